"""What all tests share: float64, as the step runner switches it on, and a browser."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np
import pytest

jax.config.update("jax_enable_x64", True)


def pytest_sessionstart() -> None:
    """Keep compiled code where the steps do. Tests of steps take the smoke preset's sizes: its run shares the code."""
    # Imported after the plugin is in place that checks the shapes of what is imported.
    from perspectives.workbench.step import compiled_code

    jax.config.update("jax_compilation_cache_dir", str(compiled_code(Path(__file__).parents[1])))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@pytest.fixture(scope="module", autouse=True)
def _programs_of_one_module() -> Iterator[None]:
    """Drop what JAX compiled after each module: it never does so itself, and all tests at once would fill 5 GB."""
    yield
    jax.clear_caches()


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
