"""A user's mistake gets one readable message, a non-zero exit and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(1800)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        pytest.param(["preset=smok"], ["Unknown preset 'smok'", "smoke", "config.yaml"], id="unknown preset"),
        pytest.param(["sed=1"], ["Unknown setting 'sed'", "did you mean 'seed'"], id="unknown key"),
        pytest.param(["highres={race: {sedes: 3}}"], ["highres.race.sedes", "'seeds'"], id="unknown nested key"),
        pytest.param(["highres={race: {seeds: many}}"], ["highres.race.seeds", "'many'"], id="ill-typed value"),
        pytest.param(["data={mirror: /no/such/folder}"], ["/no/such/folder"], id="mirror that is not there"),
    ],
)
def test_a_wrong_configuration_is_named(fresh, overrides, words):
    result = fresh.run(*fresh.command("-n"), *overrides)
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Traceback" not in text
    for word in words:
        assert word in text


def test_a_config_file_that_is_not_yaml_is_named(fresh):
    (fresh.folder / "config.yaml").write_text("preset: [smoke\n")
    result = fresh.run(*fresh.command("-n"))
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert "config.yaml" in text
    assert "Traceback" not in text


def test_a_missing_source_file_is_named(fresh):
    (fresh.folder / "workflow" / "data.yaml").unlink()
    text = (result := fresh.run(*fresh.command("-n"))).stdout + result.stderr
    assert result.returncode != 0
    assert "workflow/data.yaml" in text
    assert "Traceback" not in text


def test_a_corrupt_data_file_is_named_and_left_alone(finished):
    [file] = (finished.folder / "data").glob("*/digits.csv")
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        result = finished.snakemake("-n")
        text = result.stdout + result.stderr
        assert result.returncode != 0
        assert "data/digits/digits.csv" in text
        assert "sha256" in text
        assert "Traceback" not in text
        assert file.read_bytes() != content
    finally:
        file.write_bytes(content)
    assert finished.stale() == set()


def test_a_read_only_results_folder_is_named(fresh):
    """As root, permission bits do not bind, so the folder is then mounted read-only in a namespace of its own."""
    results = fresh.folder / "results"
    results.mkdir()
    command = fresh.command("results/smoke/settings.json")
    if os.geteuid() == 0:
        script = 'mount -t tmpfs -o ro none results && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", script, "sh", *command]
    else:
        results.chmod(0o555)
    result = subprocess.run(
        command, cwd=fresh.folder, env=fresh.environment, capture_output=True, text=True, timeout=120
    )
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert "results" in text
    assert "read-only" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("preset", ["default", "extended", "paper"])
def test_the_graph_of_every_preset_builds(fresh, preset):
    result = fresh.snakemake("-n", preset=preset)
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    for rule in ("fetch", "run_race", "train_classifier", "train_posterior", "judge", "all"):
        assert f"\n{rule} " in text, rule


@pytest.mark.parametrize("cores", [["--cores"], ["-c"], ["--cores", "2"], []], ids=" ".join)
def test_the_readmes_command_works_with_and_without_a_number(fresh, cores):
    """By the environment's own `snakemake`, as a user types it, from a folder of another checkout."""
    snakemake = Path(sys.executable).parent / "snakemake"
    result = fresh.run(str(snakemake), *cores, "-n", "--config", "preset=smoke")
    assert result.returncode == 0, result.stderr


def test_gpu_jobs_say_so(fresh):
    """Preset `paper` trains and evaluates on the GPU and says so to the scheduler; nothing else asks for one."""
    text = fresh.snakemake("-n", preset="paper").stdout
    jobs = [job for job in text.split("\nrule ") if "gpu=1" in job.split("Shell command")[0]]
    training = {"train_classifier", "train_posterior", "train_generative_paths", "train_swiss_roll", "train_images"}
    evaluating = {"evaluate_pair", "evaluate_members", "evaluate_plane", "evaluate_barycentre"}
    evaluating |= {"evaluate_swiss_roll", "evaluate_images", "sample_family", "sample_images"}
    training |= {"train_gb1_oracles", "train_aav_oracle", "train_autoencoder", "train_prior", "train_mean_prior"}
    training |= {"train_predictor"}
    evaluating |= {"sample_designs", "sample_gb1_designs", "search_designs", "map_guidance"}
    assert {job.split(":")[0] for job in jobs} == training | evaluating
    assert all("--device gpu" in job for job in jobs)
    assert "gpu=1" not in fresh.snakemake("-n", preset="extended").stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("preset: 3\n", "Unknown preset 3", id="a number for a preset"),
        pytest.param("preset: [smoke\n", "config.yaml is not valid YAML", id="malformed"),
        pytest.param("- preset\n", "config.yaml must map", id="a list"),
        pytest.param("presett: smoke\n", "did you mean 'preset'", id="misspelt"),
    ],
)
def test_make_names_a_wrong_configuration_too(fresh, text, words):
    (fresh.folder / "config.yaml").write_text(text)
    result = fresh.run(*fresh.command("-n")[:1], "workflow/run.py", "reproduce")
    assert result.returncode == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr
