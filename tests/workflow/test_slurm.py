"""The real graph on a real Slurm: virtual nodes, one of which is killed."""

import os
import subprocess

import pytest
from slurm_cluster import Cluster, missing, slurm, wait_for

pytestmark = pytest.mark.timeout(900)

TARGET = "results/smoke/highres/figures/constants.png"  # made of a download, a run, a table
FAST = ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10", "--slurm-keep-successful-logs"]


@pytest.fixture
def cluster(tmp_path):
    if lacking := missing():
        if os.environ.get("PERSPECTIVES_CLUSTER") == "required":
            pytest.fail(lacking)
        pytest.skip(lacking)
    with slurm(tmp_path / "slurm") as running:
        yield running


@pytest.fixture(scope="module")
def local(another):
    """The same results, made without Slurm."""
    checkout = another()
    result = checkout.snakemake(TARGET)
    assert result.returncode == 0, result.stderr
    return checkout.bytes_of_results()


def start(checkout, cluster: Cluster, *arguments: str) -> subprocess.Popen[str]:
    """Start what docs/clusters.md says."""
    command = checkout.command(TARGET, "--workflow-profile", "slurm", *FAST, *arguments)
    environment = {**checkout.environment, **cluster.environment}
    output = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=checkout.folder, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
    )


def story(checkout, output: str) -> str:
    """Return what a failed run said, and what its Slurm jobs said."""
    logs = sorted((checkout.folder / ".snakemake" / "slurm_logs").rglob("*.log"))
    return "\n".join([output, *(f"--- {log}\n{log.read_text()}" for log in logs)])


def test_steps_run_on_the_nodes_short_ones_together_and_the_one_with_a_gpu_sees_it(fresh, cluster, local):
    run = start(fresh, cluster, "--set-resources", "run_nag:gpu=1")
    output, _ = run.communicate(timeout=400)
    assert run.returncode == 0, story(fresh, output)

    jobs = {job["Comment"]: job for job in cluster.jobs()}
    assert len(jobs) == len(cluster.jobs()) == 2, "the download stays here; table and figure share a job"
    assert {job["JobState"] for job in jobs.values()} == {"COMPLETED"}
    heavy, short = jobs["rule_run_nag"], jobs["rule_highres_evaluate_constants_plot_constants"]
    assert heavy["TresPerJob"] == "gres:gpu:1"
    assert heavy["NodeList"] == cluster.nodes[-1]
    assert "TresPerJob" not in short
    seen = {(job, devices) for job, _, devices in cluster.tasks()}
    assert seen == {(heavy["JobId"], "0"), (short["JobId"], "none")}
    assert fresh.bytes_of_results() == local


def test_a_node_that_dies_in_the_middle_of_a_step_costs_nothing_but_time(fresh, cluster, local):
    run = start(fresh, cluster)
    log = fresh.results / "logs" / "highres" / "run_nag.log"
    wait_for(lambda: log.exists() and "started" in log.read_text(), "the step", seconds=120)
    [(job, node)] = {(job, node) for job, node, _ in cluster.tasks()}
    cluster.kill_node(node)
    assert "finished" not in log.read_text()

    output, _ = run.communicate(timeout=400)
    assert run.returncode == 0, story(fresh, output)
    assert cluster.states()[node].startswith("down")
    [again] = [found for found in cluster.jobs() if found["JobId"] == job]
    assert (again["Restarts"], again["JobState"]) == ("1", "COMPLETED")
    assert again["NodeList"] != node
    assert fresh.bytes_of_results() == local

    same = start(fresh, cluster)
    output, _ = same.communicate(timeout=400)
    assert same.returncode == 0
    assert "Nothing to be done" in output
