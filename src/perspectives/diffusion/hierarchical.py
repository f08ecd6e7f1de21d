"""The hierarchical VAE that Euler's method makes of an inference SDE and its plug-in reverse SDE."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.sde import END


@eqx.filter_jit
def layered_bound(
    plug_in: PlugIn, x: Float[Array, "batch *event"], *, layers: int, key: Key[Array, ""]
) -> Float[Array, "batch"]:
    """Return an unbiased estimate of the ELBO of log p_L(x) in nats for each example, one draw of all layers each.

    **Source**: E[log p_0(Y_L) + sum_k log p(Y_k | Y_k+1) - log q(Y_k+1 | Y_k)] from Y_0 = x, with h = T / L,
    q normal with mean Y_k + f h and variance g^2 h at s = k h, and p normal with mean Y_k+1 + mu h and variance
    sigma^2 h at s = (k + 1) h: a step of Euler's method of each equation, from where that equation starts. It needs
    g(0) > 0.

    **Raises**: ValueError when there is no layer, or the equation is the ODE, lambda = 1, whose layers have no density.
    """
    if layers < 1:
        raise ValueError(f"layers = {layers} must be at least 1")
    if isinstance(plug_in.lmbda, int | float) and plug_in.lmbda == 1:
        raise ValueError("lambda = 1 is the ODE: layers without noise have no density")
    sde, h = plug_in.sde, END / layers

    def layer(state: Any, k: Int[Array, ""]) -> tuple[Any, None]:
        y, total = state
        noise = jax.random.normal(jax.random.fold_in(key, k), y.shape, y.dtype)
        s = h * k.astype(y.dtype)
        deviation = sde.diffusion(s) * h**0.5
        above = y + sde.drift(s, y) * h + deviation * noise
        t = END - (s + h)
        decoded = plug_in.diffusion(t) * h**0.5
        residual = (y - above - h * jax.vmap(lambda x: plug_in.drift(t, x))(above)) / decoded
        squares = jnp.square(noise) - jnp.square(residual)  # log(2 pi) of both cancels
        gained = 0.5 * squares.reshape(len(y), -1).sum(1) + y[0].size * jnp.log(deviation / decoded)
        return (above, total + gained), None

    (top, total), _ = jax.lax.scan(layer, (x, jnp.zeros(len(x), x.dtype)), jnp.arange(layers))
    return total + jax.vmap(sde.log_prior)(top)
