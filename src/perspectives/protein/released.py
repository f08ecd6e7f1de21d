"""The authors' models as ours: which tensor of a checkpoint is which array, and what they gave in PyTorch.

`reference_outputs.csv` is a fixture. It was computed once, with PyTorch 2 on a CPU in float32, from the released
checkpoints and from networks written in PyTorch after the released code, not after ours. Its rows are, for each task
and each of the first `REFERENCES` sequences of its base set: what oracle and both predictors say of the sequence, and
both predictors of softmax(D(z)); mean and log-variance of the encoded sequence, filled up with residue 0; logits D(z);
and velocities v(z, t) at `REFERENCE_TIMES`. The codes z are `reference_codes`. Of long answers only some numbers are
kept: see `thinned`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Float64, Shaped
from numpy import ndarray

from perspectives.numerics.trees import with_arrays
from perspectives.protein.autoencoders import ENCODER_CHANNELS, ConvolutionAutoencoder
from perspectives.protein.predictors import ConvolutionPredictor
from perspectives.protein.sequences import Tokens, one_hot
from perspectives.protein.velocities import UNet

Tensor = Shaped[ndarray, "..."]
Tensors = Mapping[str, Tensor]
Part = tuple[str, Callable[[Tensor], Tensor]]
"""A tensor's name, and how it becomes our array."""

LENGTHS = {"aav": 28, "gfp": 237}
LATENTS = {"aav": 16, "gfp": 32}
REFERENCES = 8
REFERENCE_TIMES = (0.0, 0.4, 0.9)
MOST_KEPT = 12
"""Numbers of an answer that are kept, evenly spaced."""


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _turned(tensor: Tensor) -> Tensor:
    """Return (inputs, outputs) of (outputs, inputs), or (size, inputs, outputs) of (outputs, inputs, size)."""
    return tensor.transpose()


def _single(tensor: Tensor) -> Tensor:
    """Return the matrix of a convolution of one position."""
    if tensor.ndim != 3 or tensor.shape[-1] != 1:
        raise ValueError(f"a convolution of one position has shape (outputs, inputs, 1), not {tensor.shape}")
    return tensor[..., 0].T


def _layer(ours: str, theirs: str, weight: Callable[[Tensor], Tensor] = _turned) -> dict[str, Part]:
    return {f"{ours}.weight": (f"{theirs}.weight", weight), f"{ours}.bias": (f"{theirs}.bias", _same)}


def _gain(ours: str, theirs: str) -> dict[str, Part]:
    return {f"{ours}.gain": (f"{theirs}.g", lambda tensor: tensor.reshape(-1))}


def _residual(ours: str, theirs: str, *, shortcut: bool) -> dict[str, Part]:
    parts = {
        **_layer(f"{ours}.first", f"{theirs}.block1.proj"),
        **_gain(f"{ours}.first_norm", f"{theirs}.block1.norm"),
        **_layer(f"{ours}.second", f"{theirs}.block2.proj"),
        **_gain(f"{ours}.second_norm", f"{theirs}.block2.norm"),
        **_layer(f"{ours}.time", f"{theirs}.time_mlp.1"),
        **_layer(f"{ours}.fitness", f"{theirs}.fitness_mlp.1"),
    }
    return parts | (_layer(f"{ours}.shortcut", f"{theirs}.res_conv", _single) if shortcut else {})


def _attention(ours: str, theirs: str, *, linear: bool) -> dict[str, Part]:
    out = f"{theirs}.fn.fn.to_out"
    return {
        **_gain(f"{ours}.norm", f"{theirs}.fn.norm"),
        f"{ours}.mix.weight": (f"{theirs}.fn.fn.to_qkv.weight", _single),
        **_layer(f"{ours}.out", f"{out}.0" if linear else out, _single),
        **(_gain(f"{ours}.out_norm", f"{out}.1") if linear else {}),
    }


def _level(ours: str, theirs: str, *, shortcut: bool, resample: str) -> dict[str, Part]:
    return {
        **_residual(f"{ours}.first", f"{theirs}.0", shortcut=shortcut),
        **_residual(f"{ours}.second", f"{theirs}.1", shortcut=shortcut),
        **_attention(f"{ours}.attention", f"{theirs}.2", linear=True),
        **_layer(f"{ours}.resample", resample),
    }


def velocity_parts() -> dict[str, Part]:
    """Return which tensor each array of the U-Net is."""
    return {
        **_layer(".time[0]", "time_mlp.1"),
        **_layer(".time[1]", "time_mlp.3"),
        **_layer(".fitness[0]", "fitness_mlp.0"),
        **_layer(".fitness[1]", "fitness_mlp.2"),
        **_layer(".begin", "init_conv"),
        **_level(".down[0]", "downs.0", shortcut=False, resample="downs.0.3"),
        **_level(".down[1]", "downs.1", shortcut=False, resample="downs.1.3"),
        **_residual(".middle[0]", "mid_block1", shortcut=False),
        **_attention(".middle[1]", "mid_attn", linear=False),
        **_residual(".middle[2]", "mid_block2", shortcut=False),
        **_level(".up[0]", "ups.0", shortcut=True, resample="ups.0.3.1"),
        **_level(".up[1]", "ups.1", shortcut=True, resample="ups.1.3"),
        **_residual(".final", "final_res_block", shortcut=True),
        **_layer(".end", "final_conv", _single),
    }


def autoencoder_parts() -> dict[str, Part]:
    """Return which tensor each array of the autoencoder is."""
    channels = ENCODER_CHANNELS[-1]

    def flattened(tensor: Tensor) -> Tensor:
        """Return a matrix from features, channel by channel before and position by position now."""
        return tensor.reshape(len(tensor), channels, -1).transpose(2, 1, 0).reshape(-1, len(tensor))

    def unflattened(tensor: Tensor) -> Tensor:
        """Return a matrix to features."""
        return tensor.reshape(channels, -1, tensor.shape[1]).transpose(2, 1, 0).reshape(tensor.shape[1], -1)

    def unflattened_bias(tensor: Tensor) -> Tensor:
        return tensor.reshape(channels, -1).T.reshape(-1)

    def transposed(tensor: Tensor) -> Tensor:
        """Return (size, inputs, outputs) of a transposed convolution, which PyTorch has (inputs, outputs, size)."""
        return tensor.transpose(2, 0, 1)

    return {
        ".embedding": ("embedding.weight", _same),
        **_layer(".encoder[0]", "encoder.0"),
        **_layer(".encoder[1]", "encoder.2"),
        **_layer(".encoder[2]", "encoder.4"),
        **_layer(".mean", "fc_mu", flattened),
        **_layer(".log_variance", "fc_logvar", flattened),
        ".begin.weight": ("fc_dec.weight", unflattened),
        ".begin.bias": ("fc_dec.bias", unflattened_bias),
        **_layer(".decoder[0]", "decoder.0", transposed),
        **_layer(".decoder[1]", "decoder.2", transposed),
        **_layer(".decoder[2]", "decoder.4", lambda tensor: transposed(tensor)[::-1]),
        **_layer(".out", "output_proj"),
    }


def predictor_parts() -> dict[str, Part]:
    """Return which tensor each array of a predictor or oracle is."""
    return {
        **_layer(".convolution", "encoder"),
        **_layer(".hidden", "embedding.layer"),
        **_layer(".out", "decoder"),
    }


def released_velocity(checkpoint: Mapping[str, Any], where: str) -> UNet:
    """Return the prior's velocity in the checkpoint of a flow, read from `where`.

    **Raises**: ValueError when tensors are missing, unexpected or of another shape.
    """
    return _converted(lambda key: UNet(key=key), velocity_parts(), _state(checkpoint, "state_dict", where), where)


def released_autoencoder(checkpoint: Mapping[str, Any], task: str, where: str) -> ConvolutionAutoencoder:
    """Return the autoencoder in the checkpoint of a flow, whose entry `W` it is, read from `where`.

    **Raises**: ValueError when tensors are missing, unexpected or of another shape.
    """
    landscape = task.split("_")[0]
    length, latent = LENGTHS[landscape], LATENTS[landscape]
    make = lambda key: ConvolutionAutoencoder(length, latent, key=key)  # noqa: E731
    return _converted(make, autoencoder_parts(), _state(checkpoint, "W", where), where)


def released_predictor(checkpoint: Mapping[str, Any], where: str) -> ConvolutionPredictor:
    """Return the predictor or oracle in a checkpoint, read from `where`.

    **Raises**: ValueError when tensors are missing, unexpected or of another shape.
    """
    tensors = {
        name.removeprefix("predictor."): tensor for name, tensor in _state(checkpoint, "state_dict", where).items()
    }
    return _converted(lambda key: ConvolutionPredictor(key=key), predictor_parts(), tensors, where)


def _state(checkpoint: Mapping[str, Any], entry: str, where: str) -> dict[str, Tensor]:
    state = checkpoint.get(entry)
    if not isinstance(state, dict) or not all(isinstance(tensor, ndarray) for tensor in state.values()):
        raise ValueError(f"{where} has no entry '{entry}' of tensors; it has {', '.join(map(str, checkpoint))}.")
    return state


def _converted(make: Callable[..., Any], parts: Mapping[str, Part], tensors: Tensors, where: str) -> Any:
    """Return the model that `make` would, with these tensors."""
    asked = {name for name, _ in parts.values()}
    missing, unexpected = sorted(asked - set(tensors)), sorted(set(tensors) - asked)
    if missing or unexpected:
        raise ValueError(
            f"{where} holds another network: missing {', '.join(missing) or 'nothing'}; unexpected "
            f"{', '.join(unexpected) or 'nothing'}."
        )
    try:
        arrays = {ours: np.asarray(change(tensors[name]), np.float32) for ours, (name, change) in parts.items()}
        return with_arrays(eqx.filter_eval_shape(make, jax.random.key(0)), arrays)
    except ValueError as error:
        raise ValueError(f"{where} holds tensors of other shapes: {error}.") from None


def reference_codes(latent: int) -> Float32[ndarray, "references latent"]:
    """Return the codes at which the reference has decoders and velocities: 2 sin(1 + k), k from 0 on in rows."""
    return (2 * np.sin(1 + np.arange(REFERENCES * latent))).reshape(REFERENCES, latent).astype(np.float32)


def thinned(answer: Float32[ndarray, "n ..."]) -> Float64[ndarray, "n kept"]:
    """Return of each row, flattened, `MOST_KEPT` numbers from the first to the last at most, as evenly as can be."""
    flat = answer.reshape(len(answer), -1).astype(np.float64)
    kept = np.linspace(0, flat.shape[1] - 1, min(MOST_KEPT, flat.shape[1])).round().astype(int)
    return flat[:, kept]


class Models(NamedTuple):
    """The released models of a task."""

    autoencoder: Any
    velocity: Any
    unsmoothed: Any
    smoothed: Any
    oracle: Any


PREDICTIONS = ("oracle", "unsmoothed", "smoothed", "unsmoothed_soft", "smoothed_soft")
"""Answers of predictors and oracles; all others are of the autoencoder and the velocity."""
Answers = dict[str, Float64[ndarray, "references _"]]


@eqx.filter_jit
def _answers(models: Models, x: Float32[Array, "n length 20"], z: Float32[Array, "n latent"]) -> dict[str, Array]:
    logits = models.autoencoder.decode(z)
    velocities = jax.lax.map(lambda t: models.velocity(z, t), jnp.asarray(REFERENCE_TIMES, z.dtype))
    mean, log_variance = models.autoencoder.encode(x)
    soft = jax.nn.softmax(logits)
    return {
        "oracle": models.oracle(x),
        "unsmoothed": models.unsmoothed(x),
        "smoothed": models.smoothed(x),
        "unsmoothed_soft": models.unsmoothed(soft),
        "smoothed_soft": models.smoothed(soft),
        "mean": mean,
        "log_variance": log_variance,
        "logits": logits,
        **{f"velocity_{t:g}": velocity for t, velocity in zip(REFERENCE_TIMES, velocities, strict=True)},
    }


def our_answers(models: Models, tokens: Tokens) -> Answers:
    """Return what the models say of the first `REFERENCES` sequences and of `reference_codes`, as the reference has it.

    **Raises**: ValueError when there are fewer sequences.
    """
    if len(tokens) < REFERENCES:
        raise ValueError(f"A base set has {len(tokens)} sequences; the released models are compared on {REFERENCES}.")
    z = jnp.asarray(reference_codes(models.autoencoder.latent))
    found = _answers(models, jnp.asarray(one_hot(tokens[:REFERENCES])), z)
    return {name: thinned(np.asarray(answer)) for name, answer in found.items()}


def reference_answers(rows: Sequence[Mapping[str, str]], task: str) -> Answers:
    """Return what PyTorch said of the same, from the rows of `reference_outputs.csv`.

    **Raises**: ValueError when they have none of the task.
    """
    rows = [row for row in rows if row["task"] == task]
    if not rows:
        raise ValueError(f"Nothing was released for the task '{task}'; it was for those of AAV and GFP.")
    names = dict.fromkeys(row["quantity"] for row in rows)
    return {
        name: np.array([[float(value) for value in row["values"].split()] for row in rows if row["quantity"] == name])
        for name in names
    }


def differences(ours: Answers, theirs: Answers) -> tuple[float, float]:
    """Return the largest absolute difference of predictions, and that of everything else.

    **Raises**: KeyError when an answer has no reference.
    """
    largest = {name: float(np.abs(answer - theirs[name]).max()) for name, answer in ours.items()}
    predictions = max(largest.pop(name) for name in PREDICTIONS)
    return predictions, max(largest.values())
