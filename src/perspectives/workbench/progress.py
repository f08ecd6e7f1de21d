"""Progress of a step: a bar on a terminal, a line at every tenth in the log."""

import logging
import sys
import time

from tqdm import tqdm


class Reporter:
    """A `numerics.progress.Progress` for one step: work done, current numbers, time left."""

    def __init__(self, name: str):
        self._name = name
        self._log = logging.getLogger(name)
        self._begin = time.monotonic()
        self._tenth = 0
        self._bar: tqdm | None = None

    def __call__(self, done: int, total: int, /, **numbers: float) -> None:
        """Show `done` of `total`; `numbers` are current values such as `loss`."""
        if sys.stderr.isatty():
            if self._bar is None:
                self._bar = tqdm(desc=self._name, dynamic_ncols=True, leave=False, mininterval=0.2)
            self._bar.total = total
            self._bar.set_postfix({key: f"{value:.4g}" for key, value in numbers.items()}, refresh=False)
            self._bar.update(done - self._bar.n)
        tenth = 10 * done // max(total, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            elapsed = time.monotonic() - self._begin
            left = elapsed * (total - done) / max(done, 1)
            values = "".join(f", {key} {value:.4g}" for key, value in numbers.items())
            self._log.info("%d of %d done%s, %.0f s gone, %.0f s left", done, total, values, elapsed, left)

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()
