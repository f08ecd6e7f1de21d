"""What all tests share: float64, as the step runner switches it on, and a browser."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="module", autouse=True)
def _programs_of_one_module() -> Iterator[None]:
    """Drop what JAX compiled after each module: it never does so itself, and all tests at once would fill 5 GB."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep compiled code as the step runner does: what a module's steps have in common is compiled once."""

    def configure(values: dict[str, object]) -> None:
        compilation_cache.reset_cache()  # JAX looks at the folder's name only once
        for name, value in values.items():
            jax.config.update(name, value)

    changed: dict[str, object] = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("compiled")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in changed}
    configure(changed)
    yield
    configure(before)


@pytest.fixture(scope="module")
def striped_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of the digits' shape whose label is where a bright stripe lies."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 8, 1797)
    pixels = rng.integers(0, 6, (1797, 8, 8))
    pixels[np.arange(1797), labels] += 10
    file = tmp_path_factory.mktemp("digits") / "digits.csv"
    np.savetxt(file, np.column_stack([pixels.reshape(1797, 64), labels]), delimiter=",", fmt="%d")
    return file


@pytest.fixture
def dom(tmp_path: Path) -> Callable[[Path], str]:
    """A function that returns a page as it stands after its scripts ran, in a browser that can reach no host."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("chromium not installed")

    def open_page(page: Path) -> str:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=5000", "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom",
            page.resolve().as_uri(),
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout

    return open_page
