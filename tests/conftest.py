"""What all tests share: float64, as the step runner switches it on, and a browser."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import pytest

jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="module", autouse=True)
def _programs_of_one_module() -> Iterator[None]:
    """Drop what JAX compiled after each module: it never does so itself, and all tests at once would fill 5 GB."""
    yield
    jax.clear_caches()


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
