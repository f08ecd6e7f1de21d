"""Profiles fit the graph that they run."""

import re
import subprocess
import sys
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


def test_the_graph_builds_where_results_are_in_object_storage(fresh):
    """As for Kubernetes: only the checkout's own files are local. A folder stands in for the storage."""
    storage = fresh.folder.parent / "storage"
    storage.mkdir()
    where = ["--default-storage-provider", "fs", "--default-storage-prefix", str(storage)]
    plan = fresh.snakemake("-n", "--workflow-profile", "slurm", "--shared-fs-usage", "none", *where)
    assert plan.returncode == 0, plan.stdout[-3000:] + plan.stderr
    assert f"{storage}/results/smoke/summary.html" in plan.stdout


@pytest.mark.parametrize("name", sorted(folder.name for folder in PROFILES.iterdir()))
def test_every_key_of_a_profile_is_an_option(name):
    """The packages for Kubernetes disagree with the lock on python-dateutil, so their options are named here."""
    absent = {"kubernetes-namespace", "storage-s3-endpoint-url"}
    command = [sys.executable, "-m", "snakemake", "--help"]
    known = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    for key in read(name).keys() - absent:
        assert re.search(rf"--{key}\b", known), key


@pytest.mark.parametrize("recipe", ["Dockerfile", "apptainer.def"])
def test_a_container_holds_what_make_setup_makes_and_make_itself(recipe):
    text = (PROFILES.parent / recipe).read_text()
    assert re.findall(r"install -y (.*?) &&", text) == ["--no-install-recommends make"]
    assert len(re.findall(r"make setup", text)) == 1
    assert not re.search(r"\bpip\b|\buv\b|conda|curl|wget", text)
