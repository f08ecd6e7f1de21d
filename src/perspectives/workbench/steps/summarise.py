"""Gather a run's claims, figures and costs on one page."""

import json
from pathlib import Path

from perspectives.workbench import costs
from perspectives.workbench.step import Input, Output
from perspectives.workbench.summary import paired, summary
from perspectives.workbench.tables import read_rows


def summarise(
    *,
    claims: Input,
    laws: Input,
    findings: Input,
    resolved: Input,
    template: Input,
    preset: str,
    figures: tuple[Input, ...],
    captions: tuple[Input, ...],
    benchmarks: Path,
    logs: Path,
    page: Output,
) -> None:
    """Write the summary page: claims, laws, figures, findings, cost of each step, how to reproduce.

    What lies in the folders `benchmarks` and `logs` is read as it is found: a job that did not run again keeps its own.
    """
    text = summary(
        template.read_text(),
        preset=preset,
        claims=read_rows(claims),
        laws=read_rows(laws),
        findings=read_rows(findings),
        figures=paired(figures, captions),
        costs=costs.costs(benchmarks),
        provenance=costs.provenance(logs),
        settings=json.loads(resolved.read_text()),
    )
    page.write_text(text)
