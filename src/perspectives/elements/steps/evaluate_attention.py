"""Measure the trained decoder, the identities of positions, and soft dictionaries against attention."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Key, Real

from perspectives.elements import dictionaries, positions
from perspectives.elements.copying import CopyBatches, copy_losses
from perspectives.elements.decoder import Decoder, dependence
from perspectives.elements.settings import DecoderSettings
from perspectives.elements.steps.train_decoder import untrained_decoder
from perspectives.numerics.streams import stream
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

ENCODING_LENGTH, ENCODING_WIDTH, ENCODING_BASE, OFFSET = 200, 50, 30.0, 17
"""Positions of the companion code's waves, features of its heat map, its base; the offset is ours."""
WAVES, HEAT_MAP_LENGTH = 6, 100
QUERIES, PAIRS, DIMENSIONS = 64, 32, 8
"""Sizes of the random dictionary, at the scale 1 / sqrt(dimensions) of attention."""
COMPANION_WIDTH = 0.07
WIDTHS = (0.01, COMPANION_WIDTH, 1.0)
WIDE = 1e6
"""A width at which a dictionary has forgotten its keys."""
LINE_POINTS = 401
"""Keys between 0 and 1 at which the companion's dictionary is looked up."""
FRESH_SEQUENCES = 1024


def evaluate_attention(
    *,
    settings: DecoderSettings,
    seed: int,
    decoder: Input,
    curves: Output,
    matrices: Output,
    measures: Output,
) -> None:
    """Write curves of waves and dictionaries, the encoding and the decoder's derivatives as matrices, and measures."""
    trained, untrained = read_decoder(decoder, settings), untrained_decoder(settings, seed)
    sequences = CopyBatches(settings.vocabulary, settings.length, FRESH_SEQUENCES, 1)
    losses = eqx.filter_jit(copy_losses)
    fresh = sequences.take(sequences.draw(stream(seed, "elements.decoder.fresh"))[0])
    guessing = np.log(settings.vocabulary)
    copying, guess = (float(np.mean(losses(one, fresh)) / guessing) for one in (trained, untrained))
    derivatives = np.asarray(eqx.filter_jit(dependence)(trained, fresh[0, :-1]))
    future = np.triu(np.ones(derivatives.shape, bool), 1)

    keys, values = companion_pairs()
    exact = _closed_forms(_random_dictionary(stream(seed, "elements.attention.dictionary")), (keys, values))
    identities, differences, waves, encoding, look_ups = jax.tree.map(np.asarray, exact)
    narrow, wide = (np.max(np.abs(look_ups[name] - of)) for name, of in (("keys", values), ("mean", values.mean())))

    line = np.linspace(0, 1, LINE_POINTS)
    parts = [_curve("waves", str(j), np.arange(ENCODING_LENGTH), wave) for j, wave in enumerate(waves.T)]
    parts += [_curve("dictionary", f"{width:g}", line, look_ups[f"{width:g}"][:, 0]) for width in WIDTHS]
    parts += [_curve("dictionary", "pairs", keys[:, 0], values[:, 0])]
    pd.concat(parts).to_csv(curves, index=False, float_format="%.9g")
    drawn = pd.concat([_matrix("encoding", encoding), _matrix("dependence", derivatives)])
    drawn.to_csv(matrices, index=False, float_format="%.9g")
    write_measures(
        measures,
        [
            Measure(quantity="encoding_difference", value=float(max(identities.values()))),
            *(Measure(quantity=f"encoding_{name}", value=float(value)) for name, value in identities.items()),
            Measure(quantity="largest_future_derivative", value=float(derivatives[future].max())),
            Measure(quantity="smallest_past_derivative", value=float(derivatives[~future].min())),
            Measure(quantity="dictionary_minus_attention", value=float(max(differences.values()))),
            *(
                Measure(quantity=f"dictionary_minus_attention_{name}", value=float(value))
                for name, value in differences.items()
            ),
            Measure(quantity="dictionary_narrow_minus_values", value=float(narrow)),
            Measure(quantity="dictionary_wide_minus_mean", value=float(wide)),
            Measure(quantity="copy_loss_over_log_vocabulary", value=copying),
            Measure(quantity="untrained_copy_loss_over_log_vocabulary", value=guess),
        ],
    )


def read_decoder(path: Path, settings: DecoderSettings) -> Decoder:
    """Return what `train_decoder` wrote. **Raises**: UserError when it was written under other settings."""
    skeleton = eqx.filter_eval_shape(untrained_decoder, settings, 0)
    with path.open("rb") as file:
        try:
            return eqx.tree_deserialise_leaves(file, skeleton)
        except (RuntimeError, ValueError, EOFError) as error:
            raise UserError(f"{path} is no decoder of these settings ({error}). Delete it; it is made again.") from None


def companion_pairs() -> tuple[Float[np.ndarray, "pairs 1"], Float[np.ndarray, "pairs 1"]]:
    """Return the four keys and values of the companion code's plot_dict_kernel_estim, with its generator and seed."""
    generator = np.random.default_rng(3)
    keys, values = generator.uniform(0, 1, (4, 1)), generator.uniform(0, 1, (4, 1))
    return keys, values


def _random_dictionary(key: Key[Array, ""]) -> list[Float[Array, "rows dim"]]:
    """Return normal queries, keys and values."""
    rows = jax.random.normal(key, (QUERIES + 2 * PAIRS, DIMENSIONS))
    return jnp.split(rows, [QUERIES, QUERIES + PAIRS])


class _ClosedForms(NamedTuple):
    """Distances from identities and of soft dictionaries from attention; encodings; the companion's look-ups."""

    identities: dict[str, Array]
    differences: dict[str, Array]
    waves: Array
    encoding: Array
    look_ups: dict[str, Array]


@jax.jit
def _closed_forms(random: list[Array], pairs: tuple[Array, Array]) -> _ClosedForms:
    """Return all that needs no training.

    Soft dictionaries are compared with JAX's attention by scores and by kernel, on normal keys at attention's own
    scale, and by kernel on the companion code's four pairs, at whose narrow width logits reach 100.
    """
    queries, keys, values = random
    scale = DIMENSIONS**-0.5
    line = jnp.linspace(0.0, 1.0, LINE_POINTS)[:, None]

    def by_kernel(queries: Array, keys: Array, values: Array, width: float) -> Array:
        bias = dictionaries.key_norm_bias(keys, width)
        as_attention = dictionaries.attention(queries, keys, values, width**-2, bias)
        return jnp.max(jnp.abs(dictionaries.kernel_lookup(queries, keys, values, width) - as_attention))

    as_attention = dictionaries.attention(queries, keys, values, scale, jnp.zeros(PAIRS))
    by_scores = dictionaries.soft_lookup(queries, keys, values, 1 / scale)
    encode = partial(positions.sinusoidal_encoding, base=ENCODING_BASE)
    look_up = dictionaries.kernel_lookup
    return _ClosedForms(
        positions.identity_differences(ENCODING_LENGTH, ENCODING_WIDTH, ENCODING_BASE, OFFSET),
        {
            "scores": jnp.max(jnp.abs(by_scores - as_attention)),
            "kernel": by_kernel(queries, keys, values, scale**-0.5),
            "companion_pairs": by_kernel(line, *pairs, COMPANION_WIDTH),
        },
        encode(np.arange(ENCODING_LENGTH), WAVES),
        encode(np.arange(HEAT_MAP_LENGTH), ENCODING_WIDTH),
        {f"{width:g}": look_up(line, *pairs, width) for width in WIDTHS}
        | {"keys": look_up(pairs[0], *pairs, min(WIDTHS)), "mean": look_up(pairs[0], *pairs, WIDE)},
    )


def _curve(panel: str, series: str, x: Real[np.ndarray, "points"], y: Float[np.ndarray, "points"]) -> pd.DataFrame:
    return pd.DataFrame({"panel": panel, "series": series, "x": x, "y": y})


def _matrix(name: str, matrix: Float[np.ndarray, "rows columns"]) -> pd.DataFrame:
    """Return a matrix in long form."""
    rows, columns = np.indices(matrix.shape)
    flat = {"row": rows.ravel(), "column": columns.ravel(), "value": matrix.ravel()}
    return pd.DataFrame({"matrix": name, **flat})
