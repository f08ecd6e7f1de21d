"""What the README says can be done."""

import re
from pathlib import Path

import pytest

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench.readme import plain

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


def test_the_example_runs_and_converges():
    [example] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict = {}
    exec(example, names)
    assert names["loss"](names["x"]["weights"]) < 1e-3


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert targets
    assert not [target for target in targets if "://" not in target and not (ROOT / target).exists()]


def test_make_targets_named_in_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z]+)", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("ledger", LEDGERS, ids=lambda ledger: ledger.study)
def test_every_claim_of_a_ledger_stands_on_its_page_and_is_counted_in_the_readme(ledger):
    page = (ROOT / "docs" / f"{ledger.study}.md").read_text()
    for claim in ledger.claims:
        assert f"| {claim.id} | {plain(claim.statement)} | {plain(claim.source)} |" in page, "run: make tables"
    assert f"| {ledger.study} | {len(ledger.claims)} |" in TEXT, "run: make tables"


def test_the_example_of_the_alignment_page_runs_and_lowers_the_barrier():
    models, posteriors = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "alignment.md").read_text(), re.DOTALL)
    names: dict = {}

    def barrier(first, second):
        data = names["inputs"], names["labels"]
        return names["loss_path"](first, second, *data, key=names["jax"].random.key(3)).barrier

    exec(models, names)
    assert names["path"].barrier < barrier(names["first"], names["second"])
    exec(posteriors, names)
    assert names["path"].barrier < barrier(*names["posteriors"])


def test_the_example_of_the_diffusion_page_learns_the_scales_of_its_data():
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "diffusion.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(example, names)
    wide, narrow = names["samples"].std(0)
    assert 0.7 < wide < 1.3, "the data's deviation is 1"
    assert narrow < 0.5, "the data's is 0.2, the prior's 1"
    bound, exact, true = (float(names[name].mean()) for name in ("bound", "exact", "true"))
    assert exact == pytest.approx(true, abs=0.3)
    assert true - 1 < bound < true + 0.3, "near, and below but for its noise"


def test_the_example_of_the_protein_page_proposes_what_is_fitter_than_the_mean():
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "protein.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(example, names)
    assert names["design"].predicted > names["fitness"].mean()
    assert names["design"].sequence not in names["sequences"]
