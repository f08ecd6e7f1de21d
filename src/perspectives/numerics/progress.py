"""How long computations say how far they are, without knowing who listens."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Called between compiled chunks with the work done, the work in all, and numbers worth watching."""

    def __call__(self, done: int, total: int, /, **numbers: float) -> None:
        """Report that `done` of `total` units are finished; `numbers` are current values such as `loss`."""
        ...


def silent(done: int, total: int, /, **numbers: float) -> None:
    """Say nothing: for library use and tests."""
