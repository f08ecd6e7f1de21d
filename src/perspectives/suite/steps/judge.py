"""Turn measures into verdicts."""

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench.claims import claims_table, findings_table, laws_table
from perspectives.workbench.measures import read_measures
from perspectives.workbench.step import Input, Output


def judge(*, preset: str, measures: list[Input], claims: Output, laws: Output, findings: Output) -> None:
    """Write the tables of claims, laws and findings from all measures tables of a preset.

    A measures table lies at `<study>/tables/<table>_measures.csv`.
    """
    found = {}
    for path in measures:
        table = path.stem.removesuffix("_measures")
        study = path.parents[1].name
        for name, measure in read_measures(path).items():
            found[f"{study}/{table}:{name}"] = measure
    claims_table(LEDGERS, found, preset).to_csv(claims, index=False)
    laws_table(LEDGERS, found, preset).to_csv(laws, index=False)
    findings_table(LEDGERS, found, preset).to_csv(findings, index=False)
