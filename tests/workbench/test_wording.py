import pytest

from perspectives.workbench import wording

ROW = {"measured": "0.123456", "ci_low": "", "ci_high": "", "verdict": "reproduced", "criterion": "at most 1: why: so"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("", ""), ("0.123456", "0.123"), ("12345.0", "12345"), ("1e-14", "1e-14"), ("inf", "inf"), ("-2.95", "-2.95")],
)
def test_number_keeps_three_digits_and_whole_numbers(text: str, said: str) -> None:
    assert wording.number(text) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "0.123"),
        ({"ci_low": "0.1", "ci_high": "0.2"}, "0.123 [0.1, 0.2]"),
        ({"measured": "", "verdict": "not testable at this preset"}, "not measured"),
        ({"measured": "", "verdict": "not reproduced"}, "not finite"),
    ],
)
def test_measured_says_the_number_or_why_there_is_none(changes: dict[str, str], said: str) -> None:
    assert wording.measured(ROW | changes) == said


def test_criterion_splits_at_its_first_colon() -> None:
    assert (wording.bound(ROW), wording.reason(ROW)) == ("at most 1", "why: so")


def test_broken_law_is_named() -> None:
    laws = [{"law": "a", "holds": "True"}, {"law": "b", "holds": "False"}]
    assert wording.laws_sentence(laws) == "1 of 2 laws hold; broken: b"
