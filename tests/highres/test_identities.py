from perspectives.highres.claims import LAWS
from perspectives.highres.steps.check_identities import check_identities
from perspectives.workbench.measures import read_measures


def test_every_law_of_the_study_is_measured_and_holds(tmp_path):
    check_identities(seed=3, measures=tmp_path / "measures.csv")
    measures = read_measures(tmp_path / "measures.csv")
    for law in LAWS:
        table, _, quantity = law.quantity.partition(":")
        assert table == "identities"
        assert law.criterion.holds(measures[quantity].value), (law.id, measures[quantity].value)
