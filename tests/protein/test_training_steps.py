"""The chain of trainings at tiny sizes, on an invented base set: doubles of a wild type of eight residues."""

import csv
import shutil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.progress import silent
from perspectives.numerics.trees import named_arrays
from perspectives.protein import fitting
from perspectives.protein.autoencoders import PerceptronAutoencoder, decoded_tokens, encoded_codes
from perspectives.protein.budget import predictions
from perspectives.protein.fitting import LONGEST_ROUND, passes
from perspectives.protein.flow_matching import prior_samples
from perspectives.protein.landscapes import scored
from perspectives.protein.models import (
    ORACLE,
    restored_autoencoder,
    restored_oracles,
    restored_predictor,
    restored_prior,
    saved,
)
from perspectives.protein.predictors import ConvolutionPredictor
from perspectives.protein.sequences import decoded
from perspectives.protein.settings import AutoencoderSettings, OracleSettings, PredictorSettings, PriorSettings
from perspectives.protein.steps.train_aav_oracle import train_aav_oracle
from perspectives.protein.steps.train_autoencoder import train_autoencoder
from perspectives.protein.steps.train_predictor import train_predictor
from perspectives.protein.steps.train_prior import train_prior
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import read_measures
from perspectives.workbench.tables import read_rows

LENGTH, ROWS = 8, 64
AUTOENCODER = AutoencoderSettings(
    network="perceptron", latent=4, divergence_weight=1e-4, batch=32, steps=300, learning_rate=3e-3
)
PRIOR = PriorSettings(network="perceptron", width=16, depth=2, batch=32, steps=40, learning_rate=3e-3)
PREDICTOR = PredictorSettings(batch=32, epochs=3, learning_rate=1e-3)
RIDGE = PredictorSettings(kind="ridge", penalty=1e-3)
TASK = {"task": "gb1_default", "member": 0, "seed": 0}


def invented():
    """Return doubles of a wild type of residue 0, whose substitutions are worth minus their position."""
    rng = np.random.default_rng(0)
    tokens, scores = np.zeros((ROWS, LENGTH), np.uint8), np.zeros(ROWS)
    for row in range(ROWS):
        positions = rng.choice(LENGTH, 2, replace=False)
        tokens[row, positions] = rng.integers(1, 4, 2)
        scores[row] = -float(positions.sum())
    return tokens, scores


def write_base(path, tokens, scores):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("sequence", "score"), *zip(decoded(tokens), scores, strict=True)])
    return path


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def autoencoder(folder, base, progress=silent, **options):
    train_autoencoder(
        settings=AUTOENCODER, **TASK, base=base, weights=folder / "autoencoder.npz", losses=folder / "autoencoder.csv",
        quality=folder / "quality.csv", progress=progress, **options,
    )  # fmt: skip


def prior(folder, base, codes, progress=silent, **options):
    train_prior(
        settings=PRIOR.model_copy(update={"codes": codes}), autoencoder_settings=AUTOENCODER, **TASK, base=base,
        autoencoder=folder / "autoencoder.npz", weights=folder / f"{codes}.npz", losses=folder / f"{codes}.csv",
        progress=progress, **options,
    )  # fmt: skip


def draws(folder, base, **options):
    prior(folder, base, "draw", **options)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """The folder of all trainings of one base set."""
    folder = tmp_path_factory.mktemp("trainings")
    base = write_base(folder / "base.csv", *invented())
    autoencoder(folder, base)
    for codes in ("draw", "mean"):
        prior(folder, base, codes)
    for name, settings in (("unsmoothed", PREDICTOR), ("smoothed", PREDICTOR), ("ridge", RIDGE)):
        train_predictor(
            settings=settings, **TASK, base=base,
            weights=folder / f"{name}.npz", progress=silent,
        )  # fmt: skip
    return folder


def test_a_base_set_is_read_as_it_is(chain):
    tokens, scores = invented()
    found = scored(read_rows(chain / "base.csv"))
    np.testing.assert_array_equal(found.tokens, tokens)
    np.testing.assert_array_equal(found.scores, scores)


def test_the_autoencoder_learns_mutations(chain):
    quality = rows(chain / "quality.csv")
    assert [row["quantity"] for row in quality] == [
        "token_accuracy", "exact", "mutation_recall", "posterior_deviation",
    ]  # fmt: skip
    assert {(row["task"], row["source"], row["member"], row["predictor"]) for row in quality} == {
        ("gb1_default", "own", "0", "")
    }
    found = {row["quantity"]: float(row["value"]) for row in quality}
    assert found["mutation_recall"] > 0.5, "the wild type alone has 0"
    losses = [float(row["loss"]) for row in rows(chain / "autoencoder.csv")]
    assert [int(row["step"]) for row in rows(chain / "autoencoder.csv")] == [100, 200, 300]
    assert losses[-1] < losses[0] / 2
    model = restored_autoencoder(AUTOENCODER, LENGTH, read_groups(chain / "autoencoder.npz"))
    tokens = invented()[0]
    right = decoded_tokens(model, encoded_codes(model, tokens).mean) == tokens
    np.testing.assert_allclose(right.mean(), found["token_accuracy"], atol=1e-9)
    assert all(leaf.dtype == np.float32 for leaf in read_groups(chain / "autoencoder.npz")["model"].values())


def test_the_prior_learns_and_its_ablation_starts_alike(chain):
    model = restored_prior(PRIOR, 4, read_groups(chain / "draw.npz"))
    z = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    found = prior_samples(model, jnp.asarray(z), 8)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    draw, mean = ([float(row["loss"]) for row in rows(chain / f"{codes}.csv")] for codes in ("draw", "mean"))
    assert len(draw) == 1, "a round of all steps"
    assert draw != mean
    first, second = (read_groups(chain / f"{codes}.npz")["model"][".begin.weight"] for codes in ("draw", "mean"))
    assert 0 < np.abs(first - second).mean() < 0.2 * np.abs(first).mean(), "both start from the same weights"


def test_training_again_gives_the_same_bytes_and_leaves_no_checkpoint(chain, tmp_path):
    autoencoder(tmp_path, chain / "base.csv", checkpoints=tmp_path / "checkpoints")
    prior(tmp_path, chain / "base.csv", "draw", checkpoints=tmp_path / "checkpoints")
    for name in ("autoencoder.npz", "autoencoder.csv", "quality.csv", "draw.npz", "draw.csv"):
        assert (tmp_path / name).read_bytes() == (chain / name).read_bytes(), name
    assert not list(tmp_path.glob("checkpoints/*"))


@pytest.mark.parametrize(
    ("train", "names", "total"),
    [(autoencoder, ("autoencoder.npz", "autoencoder.csv", "quality.csv"), 15), (draws, ("draw.npz", "draw.csv"), 2)],
    ids=["autoencoder", "prior"],
)
def test_a_killed_training_is_picked_up_to_the_same_bytes(chain, tmp_path, monkeypatch, train, names, total):
    monkeypatch.setattr(fitting, "LONGEST_ROUND", 20)  # or the prior's steps are one round
    monkeypatch.setattr(fitting, "ROUNDS_BETWEEN_CHECKPOINTS", 1)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        shutil.copy(chain / "autoencoder.npz", folder)
    train(whole, chain / "base.csv")
    rounds = []

    def kill(done, total, **_):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(killed, chain / "base.csv", checkpoints=killed / "checkpoints", progress=kill)
    again = {"checkpoints": killed / "checkpoints", "progress": lambda done, total, **_: rounds.append(done)}
    train(killed, chain / "base.csv", **again)
    # The second round's own checkpoint comes before its progress, but that of the last round is none.
    assert rounds == list(range(2 if total == 2 else 3, total + 1))
    for name in names:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    assert not list(killed.glob("checkpoints/*"))


def test_predictors_are_trained_alike_whatever_they_are_called(chain):
    assert (chain / "unsmoothed.npz").read_bytes() == (chain / "smoothed.npz").read_bytes()
    found = predictions(restored_predictor(PREDICTOR, LENGTH, read_groups(chain / "unsmoothed.npz")), invented()[0])
    assert np.isfinite(found).all()
    assert found.std() > 0


def test_the_ridge_finds_additive_effects(chain):
    tokens, scores = invented()
    found = predictions(restored_predictor(RIDGE, LENGTH, read_groups(chain / "ridge.npz")), tokens)
    np.testing.assert_allclose(found, scores, atol=0.05)
    wild_type = predictions(
        restored_predictor(RIDGE, LENGTH, read_groups(chain / "ridge.npz")), np.zeros((1, LENGTH), np.uint8)
    )
    np.testing.assert_allclose(wild_type, 0, atol=0.05)


def test_files_of_other_models_are_refused(chain):
    with pytest.raises(ValueError, match="arrays of another model"):
        restored_predictor(PREDICTOR, LENGTH, read_groups(chain / "autoencoder.npz"))
    with pytest.raises(ValueError, match="arrays of another model"):
        restored_autoencoder(AUTOENCODER, LENGTH, read_groups(chain / "unsmoothed.npz"))
    with pytest.raises(ValueError, match="array .begin.weight has shape"):
        restored_prior(PRIOR.model_copy(update={"width": 8}), 4, read_groups(chain / "draw.npz"))
    with pytest.raises(ValueError, match="are not GB1's oracles"):
        restored_oracles(read_groups(chain / "draw.npz"))


def test_an_odd_latent_space_has_no_unet(chain, tmp_path):
    odd = AUTOENCODER.model_copy(update={"latent": 3})
    shapes = eqx.filter_eval_shape(lambda key: PerceptronAutoencoder(LENGTH, 3, key=key), jax.random.key(0))
    write_groups(
        tmp_path / "autoencoder.npz", saved(jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes))
    )
    with pytest.raises(UserError, match=r"protein.gb1_default: latent = 3 is odd, which the U-Net"):
        train_prior(
            settings=PRIOR.model_copy(update={"network": "unet"}), autoencoder_settings=odd, **TASK,
            base=chain / "base.csv", autoencoder=tmp_path / "autoencoder.npz", weights=tmp_path / "p.npz",
            losses=tmp_path / "p.csv", progress=silent,
        )  # fmt: skip


@pytest.mark.parametrize(("steps", "each"), [(2800, 100), (20_000, 100), (40, 40), (202, 2), (101, 1), (1, 1)])
def test_rounds_divide_the_steps(steps, each):
    batches = passes(jnp.arange(5), 3, steps=steps)
    assert batches.steps == each <= LONGEST_ROUND


def test_an_oracle_is_compared_on_sequences_that_it_has_not_seen(tmp_path):
    tokens, scores = invented()
    twice = np.concatenate([tokens, tokens])  # each sequence in two rows, which must not be divided
    base = write_base(tmp_path / "truth.csv", twice, np.concatenate([scores, scores + 0.5]))
    released = ConvolutionPredictor(key=jax.random.key(5))
    write_groups(tmp_path / "released.npz", {ORACLE: named_arrays(released)})
    seen = []
    train_aav_oracle(
        settings=OracleSettings(epochs=2), predictor_settings=PREDICTOR, seed=0, ground_truth=base,
        released=tmp_path / "released.npz", weights=tmp_path / "own.npz", measures=tmp_path / "m.csv",
        progress=lambda done, total, **now: seen.append(total),
    )  # fmt: skip
    assert seen == [2, 2], "epochs are the oracle's, not the predictor's"
    found = read_measures(tmp_path / "m.csv")
    assert set(found) == {
        "rank_correlation", "own_rank_correlation_with_data", "released_rank_correlation_with_data",
    }  # fmt: skip
    assert all(-1 <= measure.value <= 1 for measure in found.values())
    again = tmp_path / "again.npz"
    write_groups(again, saved(restored_predictor(PREDICTOR, LENGTH, read_groups(tmp_path / "own.npz"))))
    assert again.read_bytes() == (tmp_path / "own.npz").read_bytes()
    small = write_base(tmp_path / "small.csv", tokens[:10], scores[:10])
    with pytest.raises(UserError, match="a tenth needs 20"):
        train_aav_oracle(
            settings=OracleSettings(epochs=2), predictor_settings=PREDICTOR, seed=0, ground_truth=small,
            released=tmp_path / "released.npz", weights=tmp_path / "own.npz", measures=tmp_path / "m.csv",
            progress=silent,
        )  # fmt: skip
