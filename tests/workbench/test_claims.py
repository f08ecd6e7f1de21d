import math

import pytest

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench.claims import (
    CLAIM_COLUMNS,
    Claim,
    Criterion,
    Finding,
    Law,
    Ledger,
    Verdict,
    claims_table,
    findings_table,
    judge,
    laws_table,
)
from perspectives.workbench.measures import Measure, read_measures, write_measures

AT_MOST_ONE = Criterion(high=1.0, reason="planted")


def planted(criterion=AT_MOST_ONE, presets=("default",)):
    return Claim(id="x-01", statement="s", source="s", quantity="t:q", criterion=criterion, presets=presets)


def measured(value, low=None, high=None):
    return Measure(quantity="q", value=value, ci_low=low, ci_high=high, seeds=3)


@pytest.mark.parametrize(
    ("measure", "verdict"),
    [
        pytest.param(measured(1.0), Verdict.REPRODUCED, id="the end itself is allowed"),
        pytest.param(measured(1.1), Verdict.NOT_REPRODUCED, id="beyond the end"),
        pytest.param(measured(0.5, 0.4, 0.6), Verdict.REPRODUCED, id="interval inside"),
        pytest.param(measured(0.9, 0.7, 1.1), Verdict.INCONCLUSIVE, id="interval across, number inside"),
        pytest.param(measured(1.1, 0.9, 1.3), Verdict.INCONCLUSIVE, id="interval across, number outside"),
        pytest.param(measured(1.5, 1.1, 1.9), Verdict.NOT_REPRODUCED, id="interval outside"),
        pytest.param(measured(math.nan), Verdict.NOT_REPRODUCED, id="not a number"),
        pytest.param(measured(math.inf, 0.1, 0.2), Verdict.NOT_REPRODUCED, id="infinite"),
        pytest.param(measured(0.5, -math.inf, math.inf), Verdict.INCONCLUSIVE, id="interval without ends"),
        pytest.param(measured(0.5, math.nan, math.nan), Verdict.INCONCLUSIVE, id="interval not a number"),
    ],
)
def test_each_planted_outcome_gets_its_verdict(measure, verdict):
    assert judge(planted(), measure, "default") == verdict


def test_interval_wider_than_a_two_sided_criterion_is_inconclusive():
    criterion = Criterion(low=0.0, high=1.0, reason="planted")
    assert judge(planted(criterion), measured(0.5, -1.0, 2.0), "default") == Verdict.INCONCLUSIVE


def test_a_preset_that_may_not_decide_is_not_testable_even_with_a_number():
    assert judge(planted(), measured(0.5), "smoke") == Verdict.NOT_TESTABLE
    assert judge(planted(), None, "smoke") == Verdict.NOT_TESTABLE


def test_a_quantity_that_was_promised_and_not_measured_is_our_mistake():
    with pytest.raises(KeyError, match="t:q was not measured"):
        judge(planted(), None, "default")


def test_tables_have_the_columns_and_the_measured_numbers():
    law = Law(id="x-law-01", statement="s", source="s", quantity="t:q", criterion=Criterion(high=0.1, reason="r"))
    finding = Finding(id="x-f-01", statement="s", source="s", quantity="t:q")
    other = Finding(id="x-f-02", statement="s", source="s", quantity="t:absent")
    ledgers = [Ledger(study="x", claims=(planted(),), laws=(law,), findings=(finding, other))]
    measures = {"x/t:q": measured(0.5, 0.4, 0.6)}
    (claim,) = claims_table(ledgers, measures, "default").to_dict("records")
    assert list(claim) == CLAIM_COLUMNS
    assert (claim["measured"], claim["ci_low"], claim["verdict"], claim["seeds"]) == (0.5, 0.4, "reproduced", 3)
    assert laws_table(ledgers, measures, "default").holds.tolist() == [False]
    assert findings_table(ledgers, measures, "default").finding.tolist() == ["x-f-01"]


def test_a_number_that_may_not_decide_a_claim_is_not_shown_as_its_measurement():
    ledgers = [Ledger(study="x", claims=(planted(presets=("paper",)),))]
    [row] = claims_table(ledgers, {"x/t:q": measured(0.5)}, "smoke").to_dict("records")
    assert (row["measured"], row["verdict"], row["seeds"]) == (None, "not testable at this preset", 0)


def test_a_name_written_down_twice_is_refused():
    with pytest.raises(ValueError, match="x-01"):
        Ledger(study="x", claims=(planted(), planted()))


def test_measures_survive_the_file(tmp_path):
    measures = [measured(1 / 3, 0.1, 1e-300), Measure(quantity="nan", value=math.nan)]
    write_measures(tmp_path / "t.csv", measures)
    back = read_measures(tmp_path / "t.csv")
    assert back["q"] == measures[0]
    assert math.isnan(back["nan"].value)
    with pytest.raises(ValueError, match="twice: q"):
        write_measures(tmp_path / "t.csv", [measured(1.0), measured(2.0)])


@pytest.mark.parametrize("ledger", LEDGERS, ids=lambda ledger: ledger.study)
def test_every_claim_of_the_suite_is_complete(ledger):
    for claim in ledger.claims:
        assert claim.id.startswith(f"{ledger.study}-")
        assert claim.statement.endswith(".")
        assert claim.source
        assert claim.criterion.reason
        assert claim.quantity.count(":") == 1
        assert "paper" in claim.presets, "a claim that the paper's own sizes cannot decide"
        assert bool(claim.published) == (claim.known.value != "none"), claim.id
