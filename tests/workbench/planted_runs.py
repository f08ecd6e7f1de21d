"""A small planted repository with the results of a run, of the real ledgers and invented numbers."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from perspectives.suite.ledgers import LEDGERS
from perspectives.suite.steps.caption import caption
from perspectives.workbench.claims import Finding, Ledger, claims_table, findings_table, laws_table
from perspectives.workbench.measures import Measure
from perspectives.workbench.steps.archive import archive

PRESET = "default"
VERIFIER = Path(__file__).parents[2] / "workflow" / "verify.sh"
HOSTILE = "A <script>alert(1)</script> & |x| *y* _z_ {{ jinja }} `q` in the statement."


def plant(root: Path) -> Path:
    """Write a repository at `root` and return its folder of results."""
    results = root / "results" / PRESET
    (root / "workflow" / "captions").mkdir(parents=True)
    (root / "workflow" / "data.yaml").write_text("digits: {licence: CC BY 4.0}\n")
    (root / "Snakefile").write_text("rule all:\n")
    (root / "LICENSE").write_text("Apache License 2.0\n")
    _plant_tables(results)
    for ledger in LEDGERS:
        for figure in ledger.figures:
            _plant_figure(root, results / ledger.study, figure.id)
    (results / "settings.json").write_text(
        json.dumps({"preset": PRESET, "seed": 0, "highres": {"race": {"seeds": 20}}})
    )
    for number, job in enumerate(["flows", "race", "plot"]):
        _plant_job(results, job, number)
    return results


def _plant_tables(results: Path) -> None:
    results.mkdir(parents=True)
    extra = Finding(id="planted-finding", statement=HOSTILE, source="nowhere", quantity="planted:finding")
    ledgers = (*LEDGERS, Ledger(study="planted", findings=(extra,)))
    measures = {"planted/planted:finding": Measure(quantity="finding", value=1 / 3, ci_low=0.3, ci_high=0.4, seeds=20)}
    for ledger in LEDGERS:
        for number, claim in enumerate(ledger.claims):
            low, high = claim.criterion.low, claim.criterion.high
            allowed = high - abs(high) / 3 if np.isfinite(high) else low + 0.1
            value = [allowed, allowed, allowed, float(np.nan_to_num(high, posinf=low)), allowed + 7 * number][
                number % 5
            ]
            half = 0.3 * abs(value) if number % 5 == 3 else 0.0
            measures[f"{ledger.study}/{claim.quantity}"] = Measure(
                quantity=claim.quantity, value=value, ci_low=value - half, ci_high=value + half, seeds=20
            )
        for law in ledger.laws:
            measures[f"{ledger.study}/{law.quantity}"] = Measure(quantity=law.quantity, value=3.21e-14)
    claims_table(ledgers, measures, PRESET).to_csv(results / "claims.csv", index=False)
    laws_table(ledgers, measures, PRESET).to_csv(results / "laws.csv", index=False)
    findings_table(ledgers, measures, PRESET).to_csv(results / "findings.csv", index=False)


def _plant_figure(root: Path, folder: Path, name: str) -> None:
    prose = root / "workflow" / "captions" / f"{name}.rst"
    prose.write_text("Loss over iterations for *seven* methods; the line is the mean of 20 runs.\n")
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "captions").mkdir(exist_ok=True)
    figure = Figure(figsize=(7.0 if name == "fig2_training" else 3.4, 2.4), layout="constrained")
    figure.subplots().plot(np.arange(20), np.exp(-np.arange(20) / 5))
    figure.savefig(folder / "figures" / f"{name}.png", dpi=200, metadata={"Software": None})
    (folder / "figures" / f"{name}.csv").write_text("x,y\n0,1\n")
    caption(prose=(prose,), claims=folder.parent / "claims.csv", texts=(folder / "captions" / f"{name}.rst",))


def _plant_job(results: Path, job: str, number: int) -> None:
    logs, benchmarks = results / "logs" / "highres", results / "benchmarks" / "highres"
    logs.mkdir(parents=True, exist_ok=True)
    benchmarks.mkdir(parents=True, exist_ok=True)
    (logs / f"{job}.log").write_text("finished\n")
    record = {
        "step": f"highres.{job}",
        "started": f"2026-11-22T10:0{number}:00+00:00",
        "ended": f"2026-11-22T10:0{number + 1}:30+00:00",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
        "python": "3.11.7",
        "platform": "Linux",
        "packages": {"jax": "0.10.2", "snakemake": "9.27.1"},
        "device": "cpu",
    }
    (logs / f"{job}.provenance.json").write_text(json.dumps(record))
    memory = "-" if number == 2 else f"{300 + number}.5"
    (benchmarks / f"{job}.tsv").write_text(f"s\th:m:s\tmax_rss\n{30.25 * (number + 1)}\t0:00:30\t{memory}\n")


def pack(repository: Path) -> Path:
    """Archive the planted results as the rule does."""
    folder = repository / "results" / "default" / "archive"
    folder.mkdir(exist_ok=True)
    packed = folder / "perspectives-default.tar.gz"
    archive(
        preset="default",
        settings=Path("results/default/settings.json"),
        data=Path("workflow/data.yaml"),
        verifier=VERIFIER,
        packed=packed,
        digest=folder / "perspectives-default.sha256",
    )
    return packed


def verify(target: Path, *digest: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path} if path else None
    return subprocess.run(
        ["sh", str(VERIFIER), str(target), *digest], capture_output=True, text=True, timeout=60, env=environment
    )
