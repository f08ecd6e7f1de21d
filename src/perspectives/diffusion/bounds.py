"""The continuous-time ELBO of the plug-in reverse SDE: an integral over time of an implicit score matching loss.

Marginals of the inference SDE are known in closed form, so that no equation is solved.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, Key

from perspectives.diffusion.score_matching import Score, implicit_loss, sliced_loss
from perspectives.diffusion.sde import END, InferenceSde
from perspectives.numerics.divergence import rademacher


def stratified_times(
    number: int, *, dtype: DTypeLike = jnp.float32, key: Key[Array, ""]
) -> tuple[Float[Array, "number"], Float[Array, "number"]]:
    """Return times s = u^2, one u in each of `number` equal strata, and their weights ds / du / number.

    Early times are dense: the integrand varies on the scale of s there. The weighted sum of an integrand is unbiased.
    """
    u = (jnp.arange(number) + jax.random.uniform(key, (number,), dtype)) / number
    return END * u**2, 2 * END * u / number


def elbo(
    sde: InferenceSde,
    score: Score,
    x: Float[Array, "*event"],
    *,
    times: int,
    probed: bool = False,
    key: Key[Array, ""],
) -> Float[Array, ""]:
    """Return an unbiased estimate of the ELBO of log p(x) in nats, from stratified times and antithetic noise.

    **Source**: released README, E log p_0(Y_T) - int E[g^2 |score|^2 / 2 + div(g^2 score - f)] ds. The first term is in
    closed form, and so is int div f ds = d log m(T). With `probed` the divergence is Hutchinson's, by a fresh
    Rademacher probe each, else exact at the cost of d products. `x` is one example: `jax.vmap` takes a batch through.

    **Raises**: ValueError when there are no times.
    """
    if times < 1:
        raise ValueError(f"times = {times} must be at least 1")
    time_key, noise_key, probe_key = jax.random.split(key, 3)
    s, weight = stratified_times(times, dtype=x.dtype, key=time_key)

    def loss(s: Float[Array, ""], key: Key[Array, ""], probe_key: Key[Array, ""]) -> Float[Array, ""]:
        noise = jax.random.normal(key, x.shape, x.dtype)
        probe = rademacher(probe_key, x)

        def at(noise: Float[Array, "*event"]) -> Float[Array, ""]:
            y = sde.perturbed(s, x, noise)
            return sliced_loss(score, y, s, probe) if probed else implicit_loss(score, y, s)

        return 0.5 * (at(noise) + at(-noise))

    losses = jax.vmap(loss)(s, jax.random.split(noise_key, times), jax.random.split(probe_key, times))
    integral = jnp.sum(weight * sde.diffusion(s) ** 2 * losses)
    return sde.expected_log_prior(x) + x.size * jnp.log(sde.mean_factor(END)) - integral
