"""Models of one's own data, on an invented additive landscape."""

import csv

import jax
import numpy as np
import pytest

from perspectives.numerics.progress import silent
from perspectives.protein.proposing import fit_models, propose
from perspectives.protein.sequences import ALPHABET, decoded
from perspectives.protein.settings import (
    AutoencoderSettings,
    FitSettings,
    PriorSettings,
    ProposalSampling,
    ProposalSettings,
)
from perspectives.protein.steps.propose_designs import propose_designs
from perspectives.workbench.errors import UserError

LENGTH = 12
SETTINGS = ProposalSettings(
    autoencoder=AutoencoderSettings(network="perceptron", latent=8, divergence_weight=1e-4, batch=100, steps=400),
    prior=PriorSettings(network="perceptron", width=32, depth=2, batch=100, steps=300, learning_rate=3e-3),
    predictor=FitSettings(kind="ridge"),
    sampling=ProposalSampling(samples=64, keep=16, steps=16, strength=20, inner=10),
)
SAMPLING = SETTINGS.sampling


@pytest.fixture(scope="module")
def measured():
    """Up to four of twelve possible mutations, each worth what it is worth: the best eight are never together."""
    rng = np.random.default_rng(0)
    worth = np.linspace(1, -0.5, LENGTH)
    present = np.stack([rng.permutation(LENGTH) < rng.integers(0, 5) for _ in range(500)])
    present = np.unique(present, axis=0)[rng.permutation(len(np.unique(present, axis=0)))]
    return decoded((present * np.arange(1, LENGTH + 1)).astype(np.uint8)), present @ worth


@pytest.fixture(scope="module")
def models(measured):
    return fit_models(measured[0], measured[1], SETTINGS, key=jax.random.key(0))


def test_proposals_are_new_and_fitter_than_samples_of_the_prior(measured, models):
    found = propose(models, measured[0], SAMPLING, key=jax.random.key(1))
    unguided = SAMPLING.model_copy(update={"strength": 0.0, "inner": 0})
    prior = propose(models, measured[0], unguided, key=jax.random.key(1))
    assert len(found) > 3
    assert not {proposal.sequence for proposal in found} & set(measured[0])
    values = [proposal.predicted for proposal in found]
    assert values == sorted(values, reverse=True)
    assert np.mean(values) > np.mean([proposal.predicted for proposal in prior])
    for proposal in found:
        assert len(proposal.sequence) == LENGTH
        assert proposal.mutations == sum(letter != ALPHABET[0] for letter in proposal.sequence)


def test_the_target_is_as_far_above_the_best_as_the_worst_is_below(measured, models):
    low, high = min(measured[1]), max(measured[1])
    np.testing.assert_allclose(models.misfit.scale, (low, 2 * high - low))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("AAC", 1.0), ("AC", 2.0)], "Row 2: the sequence has 2 residues, but row 1 has 3"),
        ([("AAC", 1.0), ("ABC", 2.0)], "Row 2: 'B' is no residue"),
        ([("AAC", 1.0), ("ACC", float("nan"))], "Row 2: the fitness is nan"),
        ([("AAC", 1.0), ("ACC", 1e300)], "Row 2: the fitness is 1e\\+300"),
        ([("AAC", 1.0), ("ACC", 2.0), ("AAC", 3.0)], "Row 3: the sequence stands in row 1 already"),
        ([("AAC", 1.0), ("ACC", 1.0)], "All 2 rows have fitness 1"),
        ([], "No sequences"),
    ],
)
def test_bad_rows_are_named(rows, words):
    sequences, fitness = [row[0] for row in rows], [row[1] for row in rows]
    with pytest.raises(ValueError, match=words):
        fit_models(sequences, fitness, SETTINGS, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("sequences", "fitness", "words"),
    [
        ("AAC", [1.0], "The sequences are one string"),
        (np.array([b"AAC", b"ACC"]), [1.0, 2.0], "Row 1: the sequence is of type bytes_"),
        (["AAC", "ACC"], np.ones((2, 2)), "The fitness has 2 dimensions"),
        (["AAC", "ACC"], np.array(["high", "low"]), "The fitness must be a list of numbers"),
        (["AAC", "ACC"], [1.0], "2 sequences, but 1 numbers"),
    ],
)
def test_data_of_another_type_are_refused(sequences, fitness, words):
    with pytest.raises(ValueError, match=words):
        fit_models(sequences, fitness, SETTINGS, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("settings", "sequences", "words"),
    [
        (ProposalSettings(autoencoder=AutoencoderSettings(latent=7)), ["AACDE", "ACCDE"], "latent = 7 is odd"),
        (ProposalSettings(), ["AAC", "ACC"], "has 3 residues, but a predictor of kind 'convolutions' needs 5"),
        (SETTINGS, [""], "has 0 residues, but a predictor of kind 'ridge' needs 1"),
    ],
)
def test_what_networks_cannot_take_is_refused_before_training(settings, sequences, words, monkeypatch):
    monkeypatch.setattr("perspectives.protein.proposing.fitted_autoencoder", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(ValueError, match=words):
        fit_models(sequences, np.arange(len(sequences)), settings, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("sequences", "words"),
    [
        ("A" * LENGTH, "one string"),
        (["AAC"], f"has 3 residues, but the models know only {LENGTH}"),
        (["B" * LENGTH], "'B' is no residue"),
        ([], "No sequences"),
    ],
)
def test_sequences_that_the_models_do_not_know_are_refused(models, sequences, words):
    with pytest.raises(ValueError, match=words):
        propose(models, sequences, SAMPLING, key=jax.random.key(1))


def test_an_array_of_strings_is_as_good_as_a_list(measured, models):
    as_list, as_array = (
        propose(models, kind, SAMPLING, key=jax.random.key(1)) for kind in (measured[0], np.array(measured[0]))
    )
    assert as_list == as_array


@pytest.mark.parametrize("target", [-9.0, float("nan"), float("inf"), 1e300])
def test_a_target_that_is_no_number_above_the_worst_is_refused(measured, target):
    with pytest.raises(ValueError, match="must be above the least fitness, .*, and at most 3e"):
        fit_models(measured[0], measured[1], SETTINGS, target=target, key=jax.random.key(0))


def test_a_table_goes_in_and_a_table_of_designs_comes_out(measured, tmp_path):
    table, designs = tmp_path / "table.csv", tmp_path / "designs.csv"
    lines = [f"{sequence},{fitness}" for sequence, fitness in zip(*measured, strict=True)]
    table.write_text("\n".join(["sequence,fitness", *lines]))
    propose_designs(table=table, designs=designs, settings=SETTINGS, progress=silent)
    with designs.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["sequence", "predicted", "mutations"]


def test_fewer_designs_than_asked_for_are_told(measured, tmp_path, caplog):
    table = tmp_path / "table.csv"
    lines = [f"{sequence},{fitness}" for sequence, fitness in zip(*measured, strict=True)]
    table.write_text("\n".join(["sequence,fitness", *lines]))
    all_kept = SETTINGS.model_copy(update={"sampling": SAMPLING.model_copy(update={"keep": SAMPLING.samples})})
    propose_designs(table=table, designs=tmp_path / "designs.csv", settings=all_kept, progress=silent)
    assert "of the 64 designs asked for" in caplog.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"sequence,score\nAAC,1", "has no column 'fitness', only: sequence, score"),
        (b"sequence,fitness,fitness\nAAC,1,2", "has the column 'fitness' more than once"),
        (b"sequence,fitness\nAAC,1\nACC,high", "Row 2 of .*: the fitness 'high' is no number"),
        (b"sequence,fitness\nAAC,7,19", "Row 1 of .* has more cells than the header: 19"),
        (b"\x89PNG\r\n\xff", "is no CSV in UTF-8"),
    ],
)
def test_a_table_of_something_else_is_refused(text, words, tmp_path):
    table = tmp_path / "table.csv"
    table.write_bytes(text)
    with pytest.raises(UserError, match=words):
        propose_designs(table=table, designs=tmp_path / "designs.csv", settings=SETTINGS, progress=silent)
