"""Score matching losses of one example at one time, with unit weight: they differ by what no score can change.

**Source**: Hyvarinen 2005 (explicit, implicit), Vincent 2011 (denoising), Song et al. 2020 (sliced). Averaged over q_s
explicit - implicit = E |grad log q_s|^2 / 2 and denoising - implicit = d / (2 v), so all have one gradient. Times g^2
and integrated over s each is the negative ELBO up to a constant; the denoising loss's is infinite, since g^2 / v is not
integrable at 0, and so its integral is cut off there (docs/diffusion.md).
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from perspectives.diffusion.sde import InferenceSde, Time
from perspectives.numerics.divergence import value_and_divergence, value_and_probed_divergence

Score = Callable[..., Any]
"""score(y, s) -> an array of y's shape: an estimate of grad log q_s(y)."""


def like(found: Float[Array, "..."], y: Float[Array, "*event"]) -> Float[Array, "*event"]:
    """Return what a score or network gave for `y`. Another shape would be broadcast, and the wrong model trained.

    **Raises**: ValueError when it is not of y's shape.
    """
    if found.shape != y.shape:
        raise ValueError(
            f"a score or drift gave shape {found.shape} for an example of shape {y.shape}; they must agree"
        )
    return found


def explicit_loss(
    score: Score, y: Float[Array, "*event"], s: Time, true_score: Float[Array, "*event"]
) -> Float[Array, ""]:
    """Return |score - true score|^2 / 2 at y."""
    return 0.5 * jnp.square(like(score(y, s), y) - true_score).sum()


def implicit_loss(score: Score, y: Float[Array, "*event"], s: Time) -> Float[Array, ""]:
    """Return |score|^2 / 2 + div score at y, with the exact divergence."""
    value, divergence = value_and_divergence(lambda y: like(score(y, s), y), y)
    return 0.5 * jnp.square(value).sum() + divergence


def sliced_loss(score: Score, y: Float[Array, "*event"], s: Time, probe: Float[Array, "*event"]) -> Float[Array, ""]:
    """Return the implicit loss with its divergence estimated by one probe."""
    value, divergence = value_and_probed_divergence(lambda y: like(score(y, s), y), y, probe)
    return 0.5 * jnp.square(value).sum() + divergence


def denoising_loss(
    score: Score, sde: InferenceSde, x: Float[Array, "*event"], s: Time, noise: Float[Array, "*event"]
) -> Float[Array, ""]:
    """Return |score + noise / sqrt(v)|^2 / 2 at y = m x + sqrt(v) noise: the score of y given x is -noise / sqrt(v)."""
    target = noise / jnp.sqrt(sde.variance(s))
    return 0.5 * jnp.square(like(score(sde.perturbed(s, x, noise), s), x) + target).sum()


def scaled_denoising_loss(
    score: Score, sde: InferenceSde, x: Float[Array, "*event"], s: Time, noise: Float[Array, "*event"]
) -> Float[Array, ""]:
    """Return v times the denoising loss, |sqrt(v) score + noise|^2 / 2: finite for all s, the loss that is trained.

    **Source**: released code, `PluginReverseSDE.dsm`, |a std / g + noise|^2 / 2 with a = g score.
    """
    value = like(score(sde.perturbed(s, x, noise), s), x)
    return 0.5 * jnp.square(jnp.sqrt(sde.variance(s)) * value + noise).sum()
