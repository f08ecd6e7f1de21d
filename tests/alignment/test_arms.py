"""Which posteriors are trained at each preset, and that every claim finds there what decides it."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from perspectives.alignment import pairs
from perspectives.alignment.arms import COLD, SHAPES, arms, laboratory, network_name
from perspectives.alignment.claims import LEDGER
from perspectives.alignment.settings import AlignmentSettings, DigitsSettings, LaboratorySettings
from perspectives.alignment.steps.compare_members import compare_members
from perspectives.alignment.steps.evaluate_barriers import evaluate_barriers
from perspectives.suite.settings import resolve
from perspectives.workbench.claims import PRESETS, Verdict, judge
from perspectives.workbench.measures import read_measures

PRESET_FOLDER = Path(__file__).parents[2] / "workflow" / "presets"
CHANGED = {
    "width": {"width"},
    "cold": {"temperature"},
    "point": {"inference"},
    "temperature": {"temperature"},
    "prior": {"prior_variance"},
    "family": {"prior"},
    "augmentation": {"augmentation"},
}


def settings_of(preset: str) -> AlignmentSettings:
    return resolve({"preset": preset}, PRESET_FOLDER).alignment


@pytest.fixture(scope="module", params=PRESETS)
def preset(request):
    return request.param


@pytest.fixture(scope="module")
def known(preset):
    return arms(settings_of(preset))


def test_every_arm_is_another_training(known):
    trainings = [arm.training for arm in known.values()]
    assert len(set(trainings)) == len(trainings)
    assert [arm.name for arm in known.values()] == list(known)


def test_each_data_set_has_one_reference_and_all_else_changes_one_thing(preset, known):
    for dataset in settings_of(preset).datasets:
        ours = [arm for arm in known.values() if arm.training.dataset == dataset]
        [reference] = [arm.training.model_dump() for arm in ours if arm.role == "reference"]
        assert (reference["temperature"], reference["prior"], reference["prior_variance"]) == (1, "fan_in", 2)
        for arm in ours:
            values = arm.training.model_dump()
            changed = {name for name in values if values[name] != reference[name]}
            expected = set() if arm.role == "reference" else CHANGED[arm.role]
            # sweeps of widths with a temperature or an inference of their own
            assert changed - ({"width"} if arm.role in ("cold", "point") else set()) == expected, arm.name


def test_arms_of_one_network_share_a_name_for_it(known):
    for one, other in combinations(known.values(), 2):
        keys = [(arm.training.dataset, arm.training.network, arm.training.width) for arm in (one, other)]
        assert (network_name(one.training) == network_name(other.training)) == (keys[0] == keys[1])
    assert all(arm.training.dataset in SHAPES for arm in known.values())


def test_pairs_are_of_two_members_once_and_all_of_the_laboratorys(preset, known):
    settings = settings_of(preset)
    for arm in known.values():
        lab = laboratory(settings, arm.training.dataset)
        assert len(set(arm.pairs)) == len(arm.pairs)
        assert all(0 <= first < second < arm.members for first, second in arm.pairs)
        assert {member for pair in arm.pairs for member in pair} == set(range(arm.members)), "trained for nothing"
        assert set(combinations(range(lab.members), 2)) <= set(arm.pairs)
        # paired comparisons need each of the reference's pairs
        assert set(arm.pairs) <= set(next(a for a in known.values() if a.role == "reference"
                                          and a.training.dataset == arm.training.dataset).pairs)  # fmt: skip


def test_disjoint_pairs_share_no_member_and_are_as_many_as_asked_for(preset, known):
    for arm in known.values():
        disjoint = [pair for pair in arm.pairs if pair[0] % 2 == 0 and pair[1] == pair[0] + 1]
        taken = [member for pair in disjoint for member in pair]
        assert len(set(taken)) == len(taken)
        assert set(disjoint) <= set(arm.pairs)
        if arm.role == "reference":
            assert len(disjoint) >= laboratory(settings_of(preset), arm.training.dataset).disjoint_pairs
        values = {pair: float(number) for number, pair in enumerate(arm.pairs)}
        if len(disjoint) > 1:
            assert pairs.disjoint(values)[0] == pytest.approx(np.mean([values[pair] for pair in disjoint]))


def test_point_estimates_are_aligned_by_their_means_alone_and_the_reference_by_every_divergence(known):
    for arm in known.values():
        expected = {"point": ("mean",), "reference": ("mean", "deviation", "w2", "kl")}
        assert arm.divergences == expected.get(arm.role, ("mean", "w2"))


def test_a_reference_width_that_is_not_trained_is_refused():
    with pytest.raises(ValidationError, match=r"reference_width = 100 must be one of widths = \(32, 64\)"):
        LaboratorySettings(widths=(32, 64), reference_width=100)


def test_the_cold_arm_of_the_reference_width_is_trained_once():
    cold = LaboratorySettings(temperatures=(0.1, COLD), cold_widths=(128,))
    names = [name for name in arms(AlignmentSettings(datasets=("mnist",), mnist=cold)) if "_t" in name]
    assert names == ["mnist_w128_t0.01", "mnist_w128_t0.1"]
    alone = cold.model_copy(update={"cold_widths": (32,)})
    names = [name for name in arms(AlignmentSettings(datasets=("mnist",), mnist=alone)) if "_t" in name]
    assert names == ["mnist_w32_t0.01", "mnist_w128_t0.1", "mnist_w128_t0.01"]


# --- From planted losses to every quantity that a claim asks for

TIMES = (0.0, 0.5, 1.0)
PATHS = {"identity": 10.0, "deviation": 4.0, "mean": 1.1, "w2": 1.0, "kl": 1.3}
"""Planted barriers, over that of W2."""
STATES = {"loss": 0.4, "accuracy": 0.9, "calibration_error": 0.02, "loss_16_draws": 0.43, "loss_64_draws": 0.41}


def level(arm):
    """Return the planted W2 barrier of an arm; beyond 256 units it falls no more."""
    base = 3.0 * min(arm.training.width, 256) ** -0.75
    return base * {"cold": 1.5, "temperature": 1.2, "prior": 0.5, "point": 1.4, "family": 0.9}.get(arm.role, 1.0)


def factor(pair):
    """Return what a pair's planted barriers are multiplied by."""
    first, second = pair
    return 1 + 0.01 * ((first * 7 + second * 3) % 5)


def plant(folder, settings):
    """Write losses, objectives and members of all arms, as their steps do; return the three lists of files."""
    losses, objectives, members = [], [], []
    for arm in arms(settings).values():
        for kind in ("losses", "objectives"):
            (folder / kind / arm.name).mkdir(parents=True)
        for first, second in arm.pairs:
            rows = []
            for path in ("identity", *arm.divergences, "mixture"):
                for split, share in (("train", 0.9), ("test", 1.0)):
                    height = share * factor((first, second)) * level(arm) * PATHS[path] if path != "mixture" else -0.01
                    for time in TIMES:
                        bias = np.nan if path == "mixture" else 0.001 + 0.002 * (time == 0.5)
                        rows.append((path, split, time, 0.4 + 0.1 * time + height * (time == 0.5), bias))
            losses.append(folder / "losses" / arm.name / f"{first}-{second}.csv")
            pd.DataFrame(rows, columns=["path", "split", "time", "loss", "bias"]).to_csv(losses[-1], index=False)
            objectives.append(folder / "objectives" / arm.name / f"{first}-{second}.csv")
            row = {"divergence_before": 9.0, "divergence_after": 4.0, "median_of_starts": 4.2,
                   "w2_squared_before": 9.0, "w2_squared_after": 4.0, "updates": 3, "solves": 8}  # fmt: skip
            table = pd.DataFrame([{"alignment": name} | row for name in arm.divergences])
            table.to_csv(objectives[-1], index=False)
        members.append(folder / f"{arm.name}.csv")
        rows = [
            {"member": member, "split": split, "active_units": min(arm.training.width, 64), "effective_units": 8.0,
             "hidden_units": 2 * arm.training.width} | STATES
            for member in range(arm.members) for split in ("train", "test")
        ]  # fmt: skip
        pd.DataFrame(rows).to_csv(members[-1], index=False)
    return losses, objectives, members


def measured(folder, settings):
    losses, objectives, members = plant(folder, settings)
    files = {name: folder / f"{name}.csv" for name in ("barriers", "curves", "barriers_measures")}
    evaluate_barriers(
        settings=settings, losses=losses, objectives=objectives,
        barriers=files["barriers"], curves=files["curves"], measures=files["barriers_measures"],
    )  # fmt: skip
    compare_members(settings=settings, members=members, barriers=files["barriers"],
                    table=folder / "arms.csv", measures=folder / "members_measures.csv")  # fmt: skip
    tables = {name: read_measures(folder / f"{name}_measures.csv") for name in ("barriers", "members")}
    return {f"{table}:{name}": one for table, found in tables.items() for name, one in found.items()}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A function from preset to what its arms would measure, with fewer members than it has."""
    cache = {}

    def of(preset):
        if preset not in cache:
            settings = settings_of(preset)
            labs = {
                name.replace("-", "_"): laboratory(settings, name).model_copy(
                    update={"members": 3, "disjoint_pairs": min(2, laboratory(settings, name).disjoint_pairs)}
                )
                for name in settings.datasets
            }
            folder = tmp_path_factory.mktemp(preset)
            cache[preset] = folder, measured(folder, settings.model_copy(update=labs))
        return cache[preset]

    return of


def test_every_claim_that_a_preset_may_decide_is_decided(planted, preset):
    _, found = planted(preset)
    for claim in LEDGER.claims:
        verdict = judge(claim, found.get(claim.quantity), preset)
        assert (verdict == Verdict.NOT_TESTABLE) == (preset not in claim.presets)
        if preset in claim.presets:
            assert np.isfinite(found[claim.quantity].value)


def test_every_claim_and_every_finding_is_measured_somewhere(planted):
    somewhere = {name for preset in PRESETS for name in planted(preset)[1]}
    asked = [entry.quantity for entry in (*LEDGER.claims, *LEDGER.findings)]
    assert not [name for name in asked if name.split(":")[0] in ("barriers", "members") and name not in somewhere]


def test_planted_numbers_come_back_under_the_right_names(planted):
    _, found = planted("paper")
    three = np.mean([factor(pair) for pair in ((0, 1), (0, 2), (1, 2))])
    disjoint = np.mean([factor(pair) for pair in ((0, 1), (2, 3))])
    four = np.mean([factor(pair) for pair in ((0, 1), (0, 2), (1, 2), (2, 3))])
    assert len({three, disjoint, four, 1.0}) == 4, "else nobody sees which pairs were taken"
    reference = 3 * 128**-0.75
    expected = {
        "fashion-mnist_w256_w2_over_identity": 0.1,
        "fashion-mnist_widest_w2": 3 * 256**-0.75 * three,
        "mnist_widest_w2": 3 * 256**-0.75 * three,
        "cifar-10_widest_w2": 3 * 16**-0.75 * three,
        "fashion-mnist_w2_minus_mean": -0.1 * reference * disjoint,
        "fashion-mnist_kl_minus_w2": 0.3 * reference * four,
        "fashion-mnist_deviation_share": 0.6,
        "fashion-mnist_train_minus_test": -0.1 * reference * four,
        "fashion-mnist_vi_minus_map": reference * three * (1 - 1.4 * 1.1),
        "fashion-mnist_cold_minus_reference": 0.5 * reference * three,
        "fashion-mnist_t0.1_minus_reference": 0.2 * reference * three,
        "fashion-mnist_v0.2_minus_reference": -0.5 * reference * three,
        "fashion-mnist_v20_minus_reference": -0.5 * reference * three,
        "fashion-mnist_laplace_minus_reference": -0.1 * reference * three,
        "fashion-mnist_augmented_minus_reference": 0.0,
        "fashion-mnist_jackknife_bias": 0.003,
        "fashion-mnist_barrier_bias": 0.002,
        "fashion-mnist_restart_spread": 0.05,
    }
    for name, value in expected.items():
        assert found[f"barriers:{name}"].value == pytest.approx(value, rel=1e-9, abs=1e-12), name
    assert found["members:fashion-mnist_loss_16_minus_64_draws"].value == pytest.approx(0.02)
    assert found["members:fashion-mnist_active_share_widest"].value == pytest.approx(64 / 1024)
    assert found["members:fashion-mnist_active_share_narrowest"].value == pytest.approx(0.5)
    assert found["members:fashion-mnist_active_share_widest_cold"].value == pytest.approx(64 / 1024)
    assert found["members:fashion-mnist_loss_widest_minus_reference"].value == pytest.approx(0, abs=1e-12)
    assert found["barriers:fashion-mnist_vi_minus_map"].seeds == 3, "members of the pairs that both arms have"
    assert found["barriers:fashion-mnist_w2_minus_mean"].seeds == 4


def test_slopes_are_fitted_from_32_to_256_units(planted):
    """The planted barrier stops falling at 256 units; a fit over all widths would see that."""
    _, found = planted("paper")
    for name in ("slope_w2", "slope_identity", "cold_slope_w2", "point_slope_mean"):
        # The reference arm has another mean over its pairs, as it has more of them.
        assert found[f"barriers:fashion-mnist_{name}"].value == pytest.approx(-0.75, abs=0.01)
        assert found[f"barriers:fashion-mnist_{name}_interval"].value == found[f"barriers:fashion-mnist_{name}"].value
    assert found["barriers:fashion-mnist_slope_w2"].ci_low is None, "the claim on it is of the number alone"


def test_tables_have_a_row_for_each_arm_path_and_split(planted, preset):
    folder, _ = planted(preset)
    names = set(arms(settings_of(preset)))
    barriers, states = pd.read_csv(folder / "barriers.csv"), pd.read_csv(folder / "arms.csv")
    assert set(barriers["arm"]) == set(states["arm"]) == names
    assert not np.any(barriers.duplicated(["arm", "path", "split"]))
    assert np.all(barriers.loc[barriers["path"] == "mixture", "barrier"] == 0)
    assert np.all(barriers["ci_low"] <= barriers["barrier"])
    curves = pd.read_csv(folder / "curves.csv")
    assert np.all(curves.loc[curves["time"] != 0.5, "excess"].abs() < 1e-12)
    points = states["arm"].str.endswith("_map")
    assert np.all(states.loc[~points, "barrier_w2"] > 0)
    if points.any():
        assert np.all(states.loc[points, "barrier_mean"] > 0)
        assert np.all(states.loc[points, "barrier_w2"].isna())


@pytest.mark.parametrize("times", [(0.0, 0.4, 0.6, 1.0), tuple(np.linspace(0, 1, 99))], ids=["even", "99"])
def test_paths_whose_times_are_not_exactly_a_half_are_evaluated_too(times, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "TIMES", times)
    lab = DigitsSettings(members=3, disjoint_pairs=0)
    found = measured(tmp_path, AlignmentSettings(datasets=("digits",), digits=lab))
    assert np.isfinite(found["barriers:digits_barrier_bias"].value)


def test_networks_without_a_barrier_are_no_reason_to_fail(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PATHS", dict.fromkeys(PATHS, 0.0))
    lab = DigitsSettings(members=3, disjoint_pairs=0)
    found = measured(tmp_path, AlignmentSettings(datasets=("digits",), digits=lab))
    assert found["barriers:digits_widest_w2"].value == pytest.approx(0, abs=1e-12)
    assert np.isnan(found["barriers:digits_w64_w2_over_identity"].value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"datasets": ("digits", "digits")}, "names one of them twice", id="data set"),
        pytest.param(
            {"digits": {"temperatures": (0.1, 0.1)}}, r"temperatures = \(0.1, 0.1\) names one", id="temperature"
        ),
        pytest.param({"digits": {"train_images": 100}}, "batch = 250 is more than train_images = 100", id="batch"),
        pytest.param({"evaluation": {"times": 4}}, "times = 4 must be odd", id="times"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_any_run(values, words):
    with pytest.raises(ValueError, match=words):
        AlignmentSettings.model_validate(values)
