"""The gradient of a loss through an ODE solver, four ways.

*Discretise, then differentiate*: the gradient of what the solver computed, by reverse mode with checkpoints or
with every step kept, or by forward mode. *Differentiate, then discretise*: the adjoint ODE, solved backwards together
with the states, which are not kept.
"""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from perspectives.elements.lotka_volterra import Number, Parameters, States

RECURSIVE, DIRECT, FORWARD, BACKSOLVE = "recursive", "direct", "forward", "backsolve"
ADJOINTS: dict[str, diffrax.AbstractAdjoint] = {
    RECURSIVE: diffrax.RecursiveCheckpointAdjoint(),
    DIRECT: diffrax.DirectAdjoint(),
    FORWARD: diffrax.ForwardMode(),
    BACKSOLVE: diffrax.BacksolveAdjoint(),
}


@eqx.filter_jit
def gradient(
    states: States,
    name: str,
    parameters: Parameters,
    times: Float[Array, "times"],
    observations: Float[Array, "times 2"],
    sizes: Float[Array, "sizes"],
) -> tuple[Float[Array, "sizes 4"], Float[Array, "sizes times 2"]]:
    """Return the gradient of the mean over observations of |residual|^2 / 2, and the states, for each of `sizes`.

    A size is the tolerance or the step of `states`. It is traced, so that all share one compilation.

    **Source**: diffrax's adjoints. The adjoint ODE is lambda' = -(df/dz)^T lambda, dL/dw = int (df/dw)^T lambda dt:
    Pontryagin et al. 1962; Chen et al. 2018 solve for z backwards too.
    """

    def loss(parameters: Parameters, size: Number) -> tuple[Float[Array, ""], Float[Array, "times 2"]]:
        found = states(parameters, times, size, ADJOINTS[name])
        return jnp.sum((found - observations) ** 2) / (2 * len(times)), found

    differentiate = jax.jacfwd if name == FORWARD else jax.grad
    return jax.lax.map(lambda size: differentiate(loss, has_aux=True)(parameters, size), sizes)


def relative_distance(
    gradients: Float[Array, "*sizes parameters"], reference: Float[Array, "*#sizes parameters"]
) -> Float[Array, "*sizes"]:
    """Return |gradient - reference| / |reference| of each gradient, in Euclidean norms."""
    return jnp.linalg.norm(gradients - reference, axis=-1) / jnp.linalg.norm(reference, axis=-1)
