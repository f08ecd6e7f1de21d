"""Profiles fit the graph that they run."""

import re
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.timeout(1800)

PROFILES = Path(__file__).parents[2] / "profiles"


def read(name):
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text())


@pytest.fixture(scope="module")
def jobs(another):
    """The jobs of preset `paper` by the profile `slurm`, each as it is printed, by their rules.

    Snakemake itself refuses a group that would wait for its own end.
    """
    plan = another().snakemake("-n", "--workflow-profile", "slurm", preset="paper")
    assert plan.returncode == 0, plan.stdout[-3000:] + plan.stderr
    blocks = re.split(r"^\s*(?:local)?rule (\w+):", plan.stdout, flags=re.MULTILINE)
    return dict(zip(blocks[1::2], blocks[2::2], strict=True))


def test_slurm_knows_every_gpu_rule_and_no_other(jobs):
    asking = {rule for rule, text in jobs.items() if "gpu=1" in text.split("Shell command")[0]}
    assert asking == set(read("slurm")["set-resources"])


def test_slurm_groups_rules_that_exist_by_groups_of_known_size(jobs):
    profile = read("slurm")
    assert set(profile["groups"]) <= jobs.keys()
    assert set(profile["groups"].values()) - {"verdicts"} == set(profile["group-components"])
