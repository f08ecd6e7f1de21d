"""What is divided among devices trains as on one: the trainings of all studies, on eight of XLA's simulated devices."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trainings_on_devices import TRAININGS

pytestmark = pytest.mark.timeout(1200)  # of the first test, which compiles everything twice

PROGRAM = Path(__file__).with_name("trainings_on_devices.py")
COUNTS = (1, 8)
LIMIT = 1e-5
"""Of relative distances. Eight devices sum gradients in another order: float32 rounds each sum by 1e-7 of it, and up to
200 steps of Adam carry that on. Measured are 4e-7 at most. Without an eighth of each batch's rows, or with seeds in
another order, all are off by 7e-5 or more. Batches that eight does not divide are filled up by XLA, and what is filled
up must not count."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the program writes, by the number of devices; a process each, both at once."""
    folder, children = tmp_path_factory.mktemp("devices"), {}
    for count in COUNTS:
        flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}", "JAX_PLATFORMS": "cpu"}
        with (folder / f"{count}.log").open("wb") as log:
            children[count] = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(folder / f"{count}.npz")],
                env=os.environ | flags, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
    for count, child in children.items():
        assert child.wait(1100) == 0, (folder / f"{count}.log").read_text()[-3000:]
    return {count: dict(np.load(folder / f"{count}.npz")) for count in COUNTS}


def distance(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(one)


@pytest.mark.parametrize("name", TRAININGS)
def test_eight_devices_train_as_one(found, name):
    one, eight = (
        {key.removeprefix(f"{name}/"): value for key, value in found[count].items() if key.startswith(f"{name}/")}
        for count in COUNTS
    )
    curves = [what for what in one if what not in ("devices", "parts", "collectives")]
    assert curves
    for what in curves:
        assert np.isfinite(one[what]).all()
        assert distance(one[what], eight[what]) < LIMIT, what


@pytest.mark.parametrize("name", TRAININGS)
def test_its_work_is_divided(found, name):
    assert found[1][f"{name}/devices"] == 1
    devices, parts, collectives = (found[8][f"{name}/{what}"] for what in ("devices", "parts", "collectives"))
    if seeds := re.search(r"(\d+) seeds", name):
        assert devices == parts == int(seeds[1]), "each device has its seeds, and needs nothing of the others"
    else:
        assert (devices, parts) == (8, 1), "each device has the model"
        assert collectives, "gradients of parts of a batch are summed"
