"""The chain from images to figures at tiny sizes, on an invented table of the digits' shape."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from perspectives.alignment import members
from perspectives.alignment.arms import arms
from perspectives.alignment.gaussians import Gaussians, geodesic, permuted
from perspectives.alignment.permutations import Symmetries, drawn
from perspectives.alignment.settings import (
    AlignmentSettings,
    DigitsSettings,
    EvaluationSettings,
    PosteriorSettings,
    SliceSettings,
)
from perspectives.alignment.steps.align_many import align_many
from perspectives.alignment.steps.align_pair import align_pair
from perspectives.alignment.steps.compare_members import compare_members
from perspectives.alignment.steps.compare_sinkhorn import EPSILONS, compare_sinkhorn
from perspectives.alignment.steps.evaluate_barriers import evaluate_barriers
from perspectives.alignment.steps.evaluate_barycentre import evaluate_barycentre
from perspectives.alignment.steps.evaluate_members import evaluate_members
from perspectives.alignment.steps.evaluate_pair import evaluate_pair
from perspectives.alignment.steps.evaluate_plane import evaluate_plane
from perspectives.alignment.steps.infer_symmetries import infer_symmetries
from perspectives.alignment.steps.plot_paths import plot_paths
from perspectives.alignment.steps.plot_plane import plot_plane
from perspectives.alignment.steps.plot_variations import plot_variations
from perspectives.alignment.steps.plot_width import plot_width
from perspectives.alignment.steps.train_posterior import train_posterior
from perspectives.numerics.progress import silent
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.images import HELD_OUT_DIGITS
from perspectives.workbench.measures import read_measures

TINY = AlignmentSettings(
    datasets=("digits",),
    digits=DigitsSettings(
        widths=(6,), reference_width=6, point_widths=(6,), temperatures=(0.1,), members=3, disjoint_pairs=0,
        train_images=128, epochs=6, batch=32, learning_rate=0.02,
    ),
    evaluation=EvaluationSettings(draws=4, images=40, times=3, restarts=2),
    slice=SliceSettings(points=3, draws=2, images=40),
)  # fmt: skip
ARMS = arms(TINY)
REFERENCE = ARMS["digits_w6"].training


@pytest.fixture(scope="module")
def digits(striped_digits):
    return striped_digits


def train(digits, folder, member=0, **options):
    """Train a member into `folder` and return its file."""
    file = folder / f"{member}.npz"
    options = {"settings": REFERENCE, "seed": 0, "progress": silent} | options
    train_posterior(member=member, files=[digits], posterior=file, losses=file.with_suffix(".csv"), **options)
    return file


class Chain:
    """Files of all arms up to their losses, as the workflow names them."""

    def __init__(self, folder, digits):
        self.folder, self.digits = folder, digits
        self.symmetries = folder / "symmetries.json"
        infer_symmetries(settings=REFERENCE, symmetries=self.symmetries)

    @property
    def spec(self):
        return Symmetries.from_json(self.symmetries.read_text())

    def posterior(self, arm, member):
        return self.folder / arm / f"{member}.npz"

    def pair(self, arm, first=0, second=1, divergences=None):
        """Align and evaluate a pair; return its permutations, objectives and losses."""
        files = (
            self.folder / arm / f"{first}-{second}.npz",
            *(self.folder / kind / arm / f"{first}-{second}.csv" for kind in ("objectives", "losses")),
        )
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
        both = {"first": self.posterior(arm, first), "second": self.posterior(arm, second)}
        align_pair(
            divergences=divergences or " ".join(ARMS[arm].divergences), restarts=TINY.evaluation.restarts, seed=0,
            symmetries=self.symmetries, **both, permutations=files[0], objectives=files[1],
        )  # fmt: skip
        evaluate_pair(
            training=ARMS[arm].training if arm in ARMS else REFERENCE, evaluation=TINY.evaluation, seed=0,
            files=[self.digits], symmetries=self.symmetries, **both, permutations=files[0], losses=files[2],
            progress=silent,
        )  # fmt: skip
        return files


def write(file, posterior):
    file.parent.mkdir(parents=True, exist_ok=True)
    write_groups(file, {"mean": posterior.mean, "deviation": posterior.deviation})


@pytest.fixture(scope="module")
def chain(tmp_path_factory, digits):
    """The reference arm trained; the other arms made of it, as a training takes seconds."""
    made = Chain(tmp_path_factory.mktemp("chain"), digits)
    for arm in ARMS:
        (made.folder / arm).mkdir()
    for member in range(3):
        posterior = Gaussians(**read_groups(train(digits, made.folder / "digits_w6", member)))
        write(made.posterior("digits_w6_map", member), Gaussians.point(posterior.mean))
        colder = {name: values / 2 for name, values in posterior.deviation.items()}
        write(made.posterior("digits_w6_t0.1", member), Gaussians(posterior.mean, colder))
    return made


@pytest.fixture(scope="module")
def pairs(chain):
    """Permutations, objectives and losses by arm and pair."""
    return {(name, pair): chain.pair(name, *pair) for name, arm in ARMS.items() for pair in arm.pairs}


@pytest.fixture(scope="module")
def member_tables(chain):
    tables = [chain.folder / "members" / f"{name}.csv" for name in ARMS]
    tables[0].parent.mkdir()
    for (name, arm), table in zip(ARMS.items(), tables, strict=True):
        evaluate_members(
            training=arm.training, evaluation=TINY.evaluation, draws=64 if arm.role == "reference" else 4, seed=0,
            files=[chain.digits], symmetries=chain.symmetries,
            posteriors=[chain.posterior(name, member) for member in range(3)], table=table,
        )  # fmt: skip
    return tables


@pytest.fixture(scope="module")
def tables(chain, pairs, member_tables):
    """The folder of the tables that compare all arms."""
    folder = chain.folder
    evaluate_barriers(
        settings=TINY, objectives=[files[1] for files in pairs.values()], losses=[files[2] for files in pairs.values()],
        barriers=folder / "barriers.csv", curves=folder / "paths.csv", measures=folder / "barriers_measures.csv",
    )  # fmt: skip
    compare_members(
        settings=TINY, members=member_tables, barriers=folder / "barriers.csv", table=folder / "arms.csv",
        measures=folder / "members_measures.csv",
    )  # fmt: skip
    return folder


# --- Training


def test_a_killed_training_is_picked_up_to_the_same_bytes(chain, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(members, "IMAGES_BETWEEN_CHECKPOINTS", 2 * 128)  # every second epoch
    saved, rounds = tmp_path / "saved", []

    def kill(done, total, **_):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(digits, tmp_path, progress=kill, checkpoints=saved)
    file = train(digits, tmp_path, progress=lambda done, total, **_: rounds.append(done), checkpoints=saved)
    assert rounds == [5, 6]
    for suffix in (".npz", ".csv"):
        whole = chain.posterior("digits_w6", 0).with_suffix(suffix)
        assert file.with_suffix(suffix).read_bytes() == whole.read_bytes(), "same seed, same bytes"
    assert not list(saved.iterdir()), "what is finished needs no checkpoint"


def test_members_learn_apart_from_each_other(chain):
    losses = [np.loadtxt(chain.posterior("digits_w6", m).with_suffix(".csv"), skiprows=1) for m in range(3)]
    assert all(len(one) == 6 and one[-1] < 0.8 * one[0] for one in losses)
    weights = [read_groups(chain.posterior("digits_w6", m))["mean"][".layers[0].weight"].ravel() for m in range(3)]
    # Were they of one start the correlation would be near 1; 384 numbers: five standard errors.
    assert np.abs(np.corrcoef(weights) - np.eye(3)).max() < 0.26


def test_deviations_move_from_where_they_began(chain):
    deviation = read_groups(chain.posterior("digits_w6", 0))["deviation"]
    assert all(values.min() > 0 for values in deviation.values())
    assert all(np.ptp(values) > 0 for values in deviation.values())


def test_a_point_estimate_is_sure(digits, tmp_path):
    settings = ARMS["digits_w6_map"].training.model_copy(update={"epochs": 1})
    found = Gaussians(**read_groups(train(digits, tmp_path, settings=settings)))
    assert all(not values.any() for values in found.deviation.values())
    assert set(found.mean) == {f".layers[{layer}].{kind}" for layer in range(3) for kind in ("weight", "bias")}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch": 129}, r"batch = 129 is more than the 128 training images of digits; lower .*\.batch in config"),
        ({"train_images": 1501}, r"train_images = 1501, but digits has 1500 .*lower alignment\..*\.train_images"),
        ({"train_images": None, "batch": 1501}, "batch = 1501 is more than the 1500 training images"),
    ],
    ids=["batch", "train_images", "batch of all"],
)
def test_sizes_beyond_the_data_are_the_users_mistake(digits, tmp_path, changed, message):
    with pytest.raises(UserError, match=message):
        train(digits, tmp_path, settings=REFERENCE.model_copy(update=changed))


def test_a_training_that_diverges_says_so(digits, tmp_path):
    shallow = {"inference": "map", "depth": 1, "learning_rate": 1e30, "epochs": 1}
    with pytest.raises(ValueError, match="are not finite: did training diverge"):
        train(digits, tmp_path, settings=REFERENCE.model_copy(update=shallow))


# --- Alignment and the paths of a pair


def test_symmetries_are_those_of_two_hidden_layers(chain):
    assert sorted(chain.spec.sizes.values()) == [6, 6]


def test_alignment_brings_posteriors_nearer(pairs):
    table = pd.read_csv(pairs["digits_w6", (0, 1)][1])
    assert list(table["alignment"]) == ["mean", "deviation", "w2", "kl"]
    assert np.all(table["divergence_after"] <= table["divergence_before"])
    assert np.all(table["divergence_after"] <= table["median_of_starts"] * (1 + 1e-6))  # single precision
    w2 = table[table["alignment"] == "w2"].iloc[0]
    assert w2["divergence_before"] == pytest.approx(w2["w2_squared_before"], rel=1e-6)  # single precision
    assert w2["divergence_after"] == pytest.approx(w2["w2_squared_after"], rel=1e-6)
    assert np.all(table["w2_squared_after"] >= w2["w2_squared_after"] * (1 - 1e-6))


def test_unknown_divergences_are_named(chain):
    with pytest.raises(UserError, match="unknown divergences w3, cosine; there are .*w2"):
        chain.pair("digits_w6", divergences="w2 w3 cosine")


def test_paths_begin_at_one_loss_and_the_mixture_shares_the_ends_of_the_unaligned(pairs):
    table = pd.read_csv(pairs["digits_w6", (0, 1)][2])
    assert Counter(table["path"]) == dict.fromkeys(("identity", "mean", "deviation", "w2", "kl", "mixture"), 6)
    for _, rows in table.groupby("split"):
        starts = rows.loc[rows["time"] == 0, "loss"]
        np.testing.assert_allclose(starts, starts.iloc[0], rtol=1e-12)
        ends = dict(zip(*(rows.loc[rows["time"] == 1, column] for column in ("path", "loss")), strict=True))
        assert ends["mixture"] == pytest.approx(ends["identity"], rel=1e-12)
    assert np.all(table.loc[table["path"] != "mixture", "bias"].notna())
    assert np.isfinite(table["loss"]).all()


def test_a_point_estimate_needs_one_draw_and_is_aligned_by_its_mean(pairs):
    table = pd.read_csv(pairs["digits_w6_map", (0, 1)][2])
    assert set(table["path"]) == {"identity", "mean", "mixture"}
    assert set(table.loc[table["path"] != "mixture", "bias"]) == {0.0}
    last = table.query("time == 1 and split == 'test'")
    ends = dict(zip(last["path"], last["loss"], strict=True))
    # The function of a network does not change when its units are reordered: single precision.
    assert ends["mean"] == pytest.approx(ends["identity"], rel=1e-5)


def test_a_planted_permutation_leaves_neither_distance_nor_barrier(chain):
    one = Gaussians(**read_groups(chain.posterior("digits_w6", 0)))
    order = drawn(chain.spec, np.random.default_rng(3))
    write(chain.posterior("planted", 0), one)
    write(chain.posterior("planted", 1), permuted(one, order, chain.spec))
    permutations, objectives, losses = chain.pair("planted", divergences="mean w2 kl")
    assert np.all(pd.read_csv(objectives)["w2_squared_after"] == 0)
    assert np.all(pd.read_csv(objectives)["w2_squared_before"] > 0)
    for found in read_groups(permutations).values():
        for group, expected in order.items():
            np.testing.assert_array_equal(expected[found[group]], np.arange(6))
    table = pd.read_csv(losses)
    for path, rows in table[table["path"] != "mixture"].groupby("path"):
        # Halves of equal single numbers are exact, so not even rounding is left; unaligned, the middle is another net.
        for split in ("train", "test"):
            values = np.asarray(rows.loc[rows["split"] == split, "loss"])
            assert (np.ptp(values) == 0) == (path != "identity")


# --- Members and comparisons


def test_members_have_the_losses_at_which_their_paths_begin(pairs, member_tables):
    for arm, table in zip(ARMS, member_tables, strict=True):
        members_table = pd.read_csv(table).query("member == 0").set_index("split")
        path = pd.read_csv(pairs[arm, (0, 1)][2]).query("path == 'identity' and time == 0").set_index("split")
        for split in ("train", "test"):
            # the same draws on other batches of images: single precision
            assert members_table.loc[split, "loss"] == pytest.approx(path.loc[split, "loss"], rel=1e-5)


def test_members_are_counted_and_bounded(member_tables):
    for arm, file in zip(ARMS, member_tables, strict=True):
        table = pd.read_csv(file)
        assert len(table) == 6
        assert np.all(table["hidden_units"] == 12)
        assert np.all(table[["accuracy", "calibration_error"]].stack().between(0, 1))
        compared = table[["loss_16_draws", "loss_64_draws"]]
        if ARMS[arm].role == "reference":
            assert np.all(compared > 0)
        else:
            assert np.all(compared.isna()), "no arm but the reference has as many draws"
        if arm.endswith("map"):
            assert np.all(table["active_units"] == 12)
        else:
            assert np.all(table["active_units"].between(1, 12))


def test_all_arms_are_compared(tables):
    barriers, arms_table = pd.read_csv(tables / "barriers.csv"), pd.read_csv(tables / "arms.csv")
    assert list(arms_table["arm"]) == list(ARMS)
    assert len(barriers) == 2 * (6 + 4 + 3)
    assert np.all(barriers["barrier"] >= 0)
    assert np.all(barriers["pairs"] == 3)
    identity, w2 = (
        barriers.query(f"arm == 'digits_w6' and split == 'test' and path == '{p}'") for p in ("identity", "w2")
    )
    assert np.all(identity["w2_squared_after"].isna())
    assert np.all(w2["w2_squared_after"] < w2["w2_squared_before"])
    measures = read_measures(tables / "barriers_measures.csv")
    assert measures["digits_widest_w2"].value == pytest.approx(w2["barrier"].iloc[0])
    assert measures["digits_vi_minus_map"].seeds == 3


def test_a_second_run_gives_the_same_bytes(chain, pairs, tables, member_tables):
    before = [file.read_bytes() for file in pairs["digits_w6", (0, 2)]]
    assert [file.read_bytes() for file in chain.pair("digits_w6", 0, 2)] == before


# --- All members at once, entropic transport, the plane


def test_copies_that_differ_by_permutations_meet_in_their_barycentre(chain, member_tables, tmp_path):
    one = Gaussians(**read_groups(chain.posterior("digits_w6", 0)))
    posteriors = [tmp_path / f"{number}.npz" for number in range(3)]
    write(posteriors[0], one)
    for number, file in enumerate(posteriors[1:]):
        write(file, permuted(one, drawn(chain.spec, np.random.default_rng(number)), chain.spec))
    align_many(
        seed=0, symmetries=chain.symmetries, posteriors=posteriors, barycentres=tmp_path / "barycentres.npz",
        history=tmp_path / "history.csv",
    )  # fmt: skip
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["sweep"].iloc[0] == -1
    assert history["squared_distances"].iloc[0] > 1
    # the rounding of a mean of three
    assert history["squared_distances"].iloc[-1] < 1e-9
    own = pd.read_csv(member_tables[0]).query("member == 0")
    own.to_csv(tmp_path / "members.csv", index=False)
    evaluate_barycentre(
        training=REFERENCE, evaluation=TINY.evaluation, seed=0, files=[chain.digits],
        barycentres=tmp_path / "barycentres.npz", members=tmp_path / "members.csv", measures=tmp_path / "m.csv",
    )  # fmt: skip
    measures = read_measures(tmp_path / "m.csv")
    assert abs(measures["excess_after"].value) < 1e-5
    assert measures["excess_before"].value > 0.01


def test_entropic_transport_loses_little_at_small_epsilon(chain, tmp_path):
    compare_sinkhorn(
        symmetries=chain.symmetries, first=chain.posterior("digits_w6", 0), second=chain.posterior("digits_w6", 1),
        table=tmp_path / "sinkhorn.csv", measures=tmp_path / "m.csv",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "sinkhorn.csv")
    assert len(table) == 2 * len(EPSILONS)
    assert np.all(table["rounded"] > -1e-9), "no permutation gains more than the exact one"
    worst = read_measures(tmp_path / "m.csv")["excess"]
    converged = table.query("converged").sort_values(by="epsilon").groupby("group").first()["rounded"]
    assert worst.value == pytest.approx(converged.max(), abs=1e-12)
    assert worst.seeds == 2


@pytest.fixture(scope="module")
def plane_tables(chain, pairs):
    both = [chain.posterior("digits_w6", member) for member in (0, 1)]
    files = chain.folder / "plane.csv", chain.folder / "plane_corners.csv"
    evaluate_plane(
        training=REFERENCE, settings=TINY.slice, seed=0, files=[chain.digits], symmetries=chain.symmetries,
        first=both[0], second=both[1], permutations=pairs["digits_w6", (0, 1)][0], grid=files[0], corners=files[1],
        progress=silent,
    )  # fmt: skip
    return files


def test_plane_holds_its_corners_at_w2_distances(pairs, plane_tables):
    grid, corners = (pd.read_csv(file) for file in plane_tables)
    assert len(grid) == TINY.slice.points**2
    assert np.isfinite(grid["loss"]).all()
    places = corners.set_index("posterior")[["x", "y"]]
    objectives = pd.read_csv(pairs["digits_w6", (0, 1)][1]).set_index("alignment").loc["w2"]
    for corner, squared in (("second", "w2_squared_before"), ("second aligned", "w2_squared_after")):
        distance = np.linalg.norm(places.loc[corner] - places.loc["first"])
        assert distance == pytest.approx(np.sqrt(objectives[squared]), rel=1e-5)
        for axis in "xy":
            assert grid[axis].min() < places.loc[corner, axis] < grid[axis].max()


def test_posteriors_on_a_line_make_no_plane(chain, tmp_path):
    one, other = (Gaussians(**read_groups(chain.posterior("digits_w6", member))) for member in (0, 1))
    write(tmp_path / "middle.npz", geodesic(one, other, 0.5))
    write_groups(tmp_path / "p.npz", {"w2": {group: np.arange(6) for group in chain.spec.sizes}})
    with pytest.raises(ValueError, match="lie on one line"):
        evaluate_plane(
            training=REFERENCE, settings=TINY.slice, seed=0, files=[chain.digits], symmetries=chain.symmetries,
            first=chain.posterior("digits_w6", 0), second=tmp_path / "middle.npz", permutations=tmp_path / "p.npz",
            grid=tmp_path / "x.csv", corners=tmp_path / "y.csv", progress=silent,
        )  # fmt: skip


# --- Figures


def drawn_files(folder, name):
    return {kind: folder / f"{name}.{kind}" for kind in ("png", "pdf", "csv")}


def test_figures_of_paths_widths_and_temperatures_ship_their_numbers(tables, tmp_path):
    files = drawn_files(tmp_path, "paths")
    plot_paths(settings=TINY, curves=tables / "paths.csv", **files)
    assert len(pd.read_csv(files["csv"])) == 6 * 2 * 3
    both = {"barriers": tables / "barriers.csv", "members": tables / "arms.csv"}
    files = drawn_files(tmp_path, "width")
    plot_width(settings=TINY, **both, **files)
    assert len(pd.read_csv(files["csv"])) == 4, "the reference arm and the point estimate, aligned and not"
    files = drawn_files(tmp_path, "temperature")
    plot_variations(settings=TINY, variation="temperature", **both, **files)
    table = pd.read_csv(files["csv"])
    assert len(table) == 2 * 3
    assert np.all(table[["barrier", "loss", "effective_share"]].notna())
    assert all((tmp_path / f"{name}.{kind}").stat().st_size for name in ("paths", "width") for kind in ("png", "pdf"))


@pytest.mark.parametrize("variation", ["prior", "augmentation"])
def test_nothing_varied_is_nothing_to_draw(tables, tmp_path, variation):
    with pytest.raises(UserError, match=f"alignment.digits varies no {variation}, so there is nothing to draw"):
        plot_variations(
            settings=TINY, variation=variation, barriers=tables / "barriers.csv", members=tables / "arms.csv",
            **drawn_files(tmp_path, "x"),
        )  # fmt: skip


def test_each_prior_family_is_drawn_under_its_own_name(tmp_path, monkeypatch):
    lab = DigitsSettings(other_priors=("isotropic", "laplace"), augmentation=True)
    settings = AlignmentSettings(datasets=("digits",), digits=lab)
    names, labels = list(arms(settings)), []
    paths = [(name, path) for name in names for path in ("identity", "mean", "w2")]
    table = pd.DataFrame(paths, columns=["arm", "path"]).assign(split="test", barrier=0.2, ci_low=0.1, ci_high=0.3)
    table.to_csv(tmp_path / "barriers.csv")
    pd.DataFrame({"arm": names, "loss": 0.4, "active_share": 0.5, "effective_share": 0.5}).to_csv(tmp_path / "arms.csv")

    def keep_labels(figure, **_):
        labels.extend(label.get_text() for label in figure.axes[0].get_xticklabels())

    monkeypatch.setattr("perspectives.alignment.steps.plot_variations.save", keep_labels)
    plot_variations(
        settings=settings, variation="augmentation", barriers=tmp_path / "barriers.csv", members=tmp_path / "arms.csv",
        **drawn_files(tmp_path, "augmentation"),
    )  # fmt: skip
    assert labels == ["reference", "Isotropic prior", "Laplace prior", "augmented"]


def test_figure_of_the_plane_ships_its_numbers(plane_tables, tmp_path):
    files = drawn_files(tmp_path, "plane")
    plot_plane(grid=plane_tables[0], corners=plane_tables[1], **files)
    assert Counter(pd.read_csv(files["csv"])["what"]) == {"loss": 9, "posterior": 3}


def test_settings_of_a_posterior_are_read_back_from_the_command_line():
    """The workflow hands them over as JSON."""
    for arm in ARMS.values():
        assert PosteriorSettings.model_validate_json(arm.training.canonical()) == arm.training
    assert HELD_OUT_DIGITS == 1797 - 1500, "docs and messages speak of 1500 training images"
