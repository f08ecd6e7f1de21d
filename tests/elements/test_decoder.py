import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from perspectives.elements.copying import CopyBatches, copy_losses
from perspectives.elements.decoder import HEADS, dependence
from perspectives.elements.settings import DecoderSettings
from perspectives.elements.steps.evaluate_attention import evaluate_attention, read_decoder
from perspectives.elements.steps.plot_attention import plot_attention
from perspectives.elements.steps.train_decoder import train_decoder, untrained_decoder
from perspectives.numerics.progress import silent
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import read_measures

TINY = DecoderSettings(vocabulary=4, length=2, width=16, steps=120, batch=16)
TOKENS = np.array([0, 2, 3, 1])


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling takes nearly all the time of these tests, and less of it when XLA optimises little."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attention")
    train_decoder(settings=TINY, seed=3, decoder=folder / "decoder.eqx", losses=folder / "losses.csv", progress=silent)
    evaluate_attention(
        settings=TINY, seed=3, decoder=folder / "decoder.eqx", curves=folder / "curves.csv",
        matrices=folder / "matrices.csv", measures=folder / "measures.csv",
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def decoder(folder):
    return read_decoder(folder / "decoder.eqx", TINY)


def test_later_tokens_change_no_logit_to_the_bit(decoder):
    logits = eqx.filter_jit(decoder)
    changed = TOKENS.copy()
    changed[2] = 0
    first, second = (np.asarray(logits(jnp.asarray(tokens))) for tokens in (TOKENS, changed))
    np.testing.assert_array_equal(first[:2], second[:2])
    assert np.all(np.any(first[2:] != second[2:], axis=1))


def test_derivatives_by_future_embeddings_are_zero_and_by_past_ones_are_not(decoder):
    found = np.asarray(eqx.filter_jit(dependence)(decoder, jnp.asarray(TOKENS)))
    future = np.triu(np.ones(found.shape, bool), 1)
    assert np.all(found[future] == 0)
    assert np.all(found[~future] > 0)


def test_attention_is_jaxs_on_projected_heads(decoder):
    attention = jax.tree.map(lambda leaf: leaf[0], eqx.filter(decoder.blocks.attention, eqx.is_array))
    attention = eqx.combine(attention, decoder.blocks.attention)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(6, TINY.width)), jnp.float32)

    @eqx.filter_jit
    def both(attention, x):
        projections = (attention.query_proj, attention.key_proj, attention.value_proj)
        query, key, value = (jax.vmap(one)(x).reshape(6, HEADS, -1) for one in projections)
        heads = jax.nn.dot_product_attention(query, key, value, is_causal=True)
        return jax.vmap(attention.output_proj)(heads.reshape(6, -1)), attention(x, x, x, mask=np.tri(6, dtype=bool))

    np.testing.assert_allclose(*both(attention, x), atol=1e-5)  # float32, of values up to ten


def test_one_token_at_all_positions_is_told_apart(decoder):
    rows = np.asarray(decoder.embedded(jnp.asarray(np.full(4, 2))))
    assert len(np.unique(rows.round(4), axis=0)) == 4


def test_weights_are_in_float32_and_hang_on_the_seed_alone(decoder):
    first, again, other = (jax.tree.leaves(untrained_decoder(TINY, seed)) for seed in (3, 3, 4))
    arrays = [leaf for leaf in first if eqx.is_inexact_array(leaf)]
    assert {leaf.dtype for leaf in arrays} == {np.dtype("float32")}
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True) if eqx.is_array(pair[0]))
    assert not all(np.array_equal(*pair) for pair in zip(first, other, strict=True) if eqx.is_array(pair[0]))


def test_sequences_repeat_their_symbols_after_the_separator():
    batches = CopyBatches(5, 3, 100, 2)
    drawn = batches.draw(jax.random.key(0))
    assert drawn.shape == (2, 100, 3)
    sequences = np.asarray(batches.take(drawn[0]))
    np.testing.assert_array_equal(sequences[:, :3], sequences[:, 4:])
    assert np.all(sequences[:, 3] == 4)
    assert set(sequences[:, :3].ravel()) == {0, 1, 2, 3}


def test_loss_is_log_vocabulary_for_guessing_and_zero_for_a_copier():
    sequences = jnp.asarray([[0, 1, 2, 4, 0, 1, 2], [3, 3, 1, 4, 3, 3, 1]])

    def guesser(tokens):
        return jnp.zeros((len(tokens), 5))

    def copier(tokens):
        """The token after position i of the copy is that of position i - 3, for three symbols."""
        return 1e3 * jax.nn.one_hot(jnp.roll(tokens, 3), 5)

    guessing, copying = jax.jit(lambda: (copy_losses(guesser, sequences), copy_losses(copier, sequences)))()
    np.testing.assert_allclose(guessing, np.full((2, 3), np.log(5)), rtol=1e-12)  # rounding
    np.testing.assert_allclose(copying, 0, atol=1e-12)


def test_training_lowers_the_loss_of_copying(folder):
    losses = pd.read_csv(folder / "losses.csv")
    assert losses["step"].tolist() == list(range(5, 121, 5))  # 120 and 25 share the divisor 5
    assert losses["loss"].iloc[-1] < 0.8 * losses["loss"].iloc[0]
    measures = read_measures(folder / "measures.csv")
    trained, untrained = (measures[f"{name}copy_loss_over_log_vocabulary"].value for name in ("", "untrained_"))
    assert trained < 0.8 * untrained


def test_claims_are_measured(folder):
    measures = read_measures(folder / "measures.csv")
    assert all(np.isfinite(measure.value) for measure in measures.values())
    assert measures["largest_future_derivative"].value == 0
    assert measures["smallest_past_derivative"].value > 0
    assert measures["encoding_difference"].value < 1e-11
    assert 0 < measures["dictionary_minus_attention"].value < 1e-6  # a softmax in float32
    assert measures["dictionary_wide_minus_mean"].value < 1e-12


def test_a_decoder_of_other_settings_is_an_error_that_names_the_file(folder, tmp_path):
    with pytest.raises(UserError, match=r"decoder\.eqx is no decoder of these settings"):
        evaluate_attention(
            settings=DecoderSettings(width=8), seed=3, decoder=folder / "decoder.eqx", curves=tmp_path / "c.csv",
            matrices=tmp_path / "m.csv", measures=tmp_path / "n.csv",
        )  # fmt: skip


def test_figure_ships_its_numbers(folder, tmp_path):
    plot_attention(
        curves=folder / "curves.csv", matrices=folder / "matrices.csv", losses=folder / "losses.csv",
        png=tmp_path / "a.png", pdf=tmp_path / "a.pdf", csv=tmp_path / "a.csv",
    )  # fmt: skip
    plotted = pd.read_csv(tmp_path / "a.csv")
    assert set(plotted["panel"]) == {"waves", "dictionary", "encoding", "dependence", "training"}
    assert np.all(np.isfinite(plotted["y"]))
