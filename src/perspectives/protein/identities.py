"""Laws of networks, flow and guidance: sizes, Euler steps, where the optimal velocity leads, the order of guidance."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from perspectives.numerics.ode import trajectory
from perspectives.numerics.statistics import order
from perspectives.protein.autoencoders import ConvolutionAutoencoder, PerceptronAutoencoder
from perspectives.protein.flow_matching import NormalVelocity, prior_samples
from perspectives.protein.guidance import gradient_of_each, split_samples
from perspectives.protein.layers import Codes
from perspectives.protein.predictors import ConvolutionPredictor
from perspectives.protein.velocities import UNet

PARAMETERS = {
    "autoencoder_aav": 124_660,
    "autoencoder_gfp": 299_956,
    "velocity": 60_321,
    "predictor": 157_953,
    "autoencoder_gb1": 642_956,
}
"""Of the released networks, counted in their checkpoints; the last is our own network's, counted by hand."""
EULER_STEPS = 32
CODES = 16
SPREAD = 0.3
"""Of the weights of a network that is no one's: large enough that its velocity changes with the time."""


def parameter_count(model: PyTree) -> int:
    """Return the number of trained numbers of a model, or of its shapes."""
    return sum(leaf.size for leaf in jax.tree.leaves(model))


def parameter_count_errors() -> dict[str, int]:
    """Return how many parameters each network has more than it should."""
    networks = {
        "autoencoder_aav": lambda key: ConvolutionAutoencoder(28, 16, key=key),
        "autoencoder_gfp": lambda key: ConvolutionAutoencoder(237, 32, key=key),
        "velocity": lambda key: UNet(key=key),
        "predictor": lambda key: ConvolutionPredictor(key=key),
        "autoencoder_gb1": lambda key: PerceptronAutoencoder(55, 32, key=key),
    }
    shapes = {name: eqx.filter_eval_shape(make, jax.random.key(0)) for name, make in networks.items()}
    return {name: parameter_count(shape) - PARAMETERS[name] for name, shape in shapes.items()}


@eqx.filter_jit
def released_euler(velocity: Callable[..., Any], z: Float[Array, "n latent"]) -> Float[Array, "n latent"]:
    """Return where the released loop carries codes: z <- z + h v(z, t) at t = 0, h, ..., 1 - h.

    **Source**: released code, `sample.py`, without guidance.
    """
    ends = jnp.linspace(0, 1, EULER_STEPS + 1, dtype=z.dtype)

    def step(z: Float[Array, "n latent"], now: Float[Array, "two"]) -> tuple[Float[Array, "n latent"], None]:
        return z + (now[1] - now[0]) * velocity(z, now[0]), None

    return jax.lax.scan(step, z, jnp.stack([ends[:-1], ends[1:]], 1))[0]


def random_unet() -> UNet:
    """Return a U-Net of normal weights, all from one draw: a draw each would take longer to compile than the U-Net."""
    leaves, structure = jax.tree.flatten(eqx.filter_eval_shape(lambda key: UNet(key=key), jax.random.key(0)))
    ends = np.cumsum([leaf.size for leaf in leaves])
    numbers = np.asarray(SPREAD * jax.random.normal(jax.random.key(0), (ends[-1],), jnp.float32))
    parts = zip(np.split(numbers, ends[:-1]), leaves, strict=True)
    return jax.tree.unflatten(structure, [jnp.asarray(part.reshape(leaf.shape)) for part, leaf in parts])


def euler_difference(velocity: Callable[..., Any]) -> float:
    """Return the largest difference of diffrax's Euler steps and the released loop."""
    z = jax.random.normal(jax.random.key(1), (CODES, 16), jnp.float32)
    return float(jnp.abs(prior_samples(velocity, z, EULER_STEPS) - released_euler(velocity, z)).max())


def normal_transport_error() -> float:
    """Return how far the flow of the optimal velocity carries N(0, I) from N(m, S), in mean and covariance.

    The flow is affine, z -> A z + b: unit vectors and 0 tell A and b. What should hold is b = m and A A' = S.
    """
    mean = jnp.array([1.0, -0.5, 2.0])
    root = jnp.array([[1.5, 0.0, 0.0], [-0.4, 0.7, 0.0], [0.3, 0.9, 0.2]])
    covariance = root @ root.T
    velocity = NormalVelocity(mean, covariance)
    points = jnp.concatenate([jnp.zeros((1, 3)), jnp.eye(3)])
    ends = trajectory(lambda t, z, args: args(z, t), points, jnp.array([1.0]), velocity, since=0.0).states[0]
    offset, matrix = ends[0], (ends[1:] - ends[0]).T
    return float(jnp.maximum(jnp.abs(offset - mean).max(), jnp.abs(matrix @ matrix.T - covariance).max()))


class LinearMisfit(eqx.Module):
    """The misfit (c . z - 1)^2 / 2 of a fitness that is linear in the code."""

    direction: Float[Array, "latent"]

    def __call__(self, z: Codes) -> Float[Array, "n"]:
        """Return the misfit of each code."""
        return 0.5 * (z @ self.direction - 1) ** 2


def order_of_split_scheme() -> float:
    """Return the measured order in h at which the split scheme tends to the guided ODE: 32 to 256 steps.

    The case is linear and quadratic: a normal prior and a linear fitness in three dimensions, from four codes, alpha =
    1.5 and J = 2, with the times that the released code has. The ODE is solved to nine digits.
    """
    prior = NormalVelocity(jnp.array([0.5, -1.0, 0.2]), jnp.diag(jnp.array([0.16, 2.25, 0.64])))
    misfit = LinearMisfit(jnp.array([1.0, 0.5, -0.7]))
    start = jnp.array([[0.3, -0.8, 1.1], [1.2, 0.4, -0.5], [-1.0, 0.9, 0.1], [0.0, -1.5, -0.6]])
    strength, inner = 1.5, 2

    def field(t: Float[Array, ""], z: Codes, _: None) -> Codes:
        return prior(z, t) - strength * inner * gradient_of_each(
            lambda codes: misfit(codes + (1 - t) * prior(codes, t)), z
        )

    exact = trajectory(field, start, jnp.array([1.0]), None, since=0.0).states[-1]
    counts = np.array([32, 64, 128, 256])
    errors = [
        jnp.abs(split_samples(prior, misfit, start, steps=int(count), strength=strength, inner=inner) - exact).max()
        for count in counts
    ]
    return order(1 / counts, np.array(errors, dtype=float))
