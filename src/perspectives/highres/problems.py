"""Convex test functions: each is called for its value, and knows its smoothness constant L."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Quadratic(eqx.Module):
    """f(x) = 1/2 sum_i eigenvalues_i x_i^2, minimised at 0."""

    eigenvalues: Float[Array, "dim"]

    def __call__(self, x: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f(x)."""
        return 0.5 * jnp.sum(self.eigenvalues * x**2)

    @property
    def smoothness(self) -> Float[Array, ""]:
        """Return L, the largest eigenvalue."""
        return jnp.max(self.eigenvalues)

    @property
    def minimiser(self) -> Float[Array, "dim"]:
        """Return x* = 0."""
        return jnp.zeros_like(self.eigenvalues)


class WorstCase(eqx.Module):
    """Nesterov's worst function in the world, with L = 1.

    **Source**: Nesterov, Introductory Lectures on Convex Optimization (2004), section 2.1.2:
    f(x) = (L/4) (1/2 (x_1^2 + sum_i (x_{i+1} - x_i)^2 + x_n^2) - x_1), x*_i = 1 - i/(n+1).
    """

    dimensions: int = eqx.field(static=True)

    def __call__(self, x: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f(x)."""
        return 0.25 * (0.5 * (x[0] ** 2 + jnp.sum(jnp.diff(x) ** 2) + x[-1] ** 2) - x[0])

    @property
    def smoothness(self) -> Float[Array, ""]:
        """Return L = 1: the second-difference matrix has norm below 4."""
        return jnp.ones(())

    @property
    def minimiser(self) -> Float[Array, "dim"]:
        """Return x*."""
        return 1.0 - jnp.arange(1, self.dimensions + 1) / (self.dimensions + 1)


class LogisticRegression(eqx.Module):
    """f(x) = mean_i [log(1 + exp(a_i . x)) - y_i a_i . x] + ridge/2 |x|^2, labels y_i in {0, 1}.

    Written with `softplus` and `sigmoid`, which do not overflow where a ratio of exponentials does.
    """

    features: Float[Array, "samples dim"]
    labels: Float[Array, "samples"]
    ridge: float | Float[Array, ""] = 0.0

    def __call__(self, x: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f(x), the mean loss."""
        margins = self.features @ x
        return jnp.mean(jax.nn.softplus(margins) - self.labels * margins) + 0.5 * self.ridge * jnp.sum(x**2)

    def example(self, i: Int[Array, ""] | int, x: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f_i(x), the loss of sample `i` with the whole ridge term: the mean over i is f."""
        margin = self.features[i] @ x
        return jax.nn.softplus(margin) - self.labels[i] * margin + 0.5 * self.ridge * jnp.sum(x**2)

    def gradient(self, x: Float[Array, "dim"]) -> Float[Array, "dim"]:
        """Return the gradient of f at `x`."""
        residual = jax.nn.sigmoid(self.features @ x) - self.labels
        return self.features.T @ residual / self.labels.shape[0] + self.ridge * x

    def example_gradient(self, i: Int[Array, ""] | int, x: Float[Array, "dim"]) -> Float[Array, "dim"]:
        """Return the gradient of f_i at `x`; the mean over i is `gradient`."""
        row = self.features[i]
        return (jax.nn.sigmoid(row @ x) - self.labels[i]) * row + self.ridge * x

    @property
    def smoothness(self) -> Float[Array, ""]:
        """Return L = (largest eigenvalue of A^T A) / (4 samples) + ridge, since sigmoid' is at most 1/4."""
        gram = self.features.T @ self.features / self.labels.shape[0]
        return jnp.linalg.eigvalsh(gram)[-1] / 4 + self.ridge

    @property
    def largest_example_smoothness(self) -> Float[Array, ""]:
        """Return max_i |a_i|^2 / 4 + ridge, the smoothness that every f_i shares."""
        return jnp.max(jnp.sum(self.features**2, axis=1)) / 4 + self.ridge
