"""Convex test functions: each is called for its value, and knows its gap above a minimiser and its smoothness L.

A gap is computed from x - x*, not as a difference of two values: along a long run it falls far below the rounding of f.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

NEWTON_STEPS = 60


class Quadratic(eqx.Module):
    """f(x) = 1/2 sum_i eigenvalues_i x_i^2, minimised at 0."""

    eigenvalues: Float[Array, "dim"]

    def __call__(self, x: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f(x)."""
        return 0.5 * jnp.sum(self.eigenvalues * x**2)

    def gap(self, x: Float[Array, "dim"], minimiser: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f(x) - f*."""
        return self(x - minimiser)

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
        return 0.25 * (self._energy(x) - x[0])

    def gap(self, x: Float[Array, "dim"], minimiser: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f(x) - f*, which is the quadratic part of f at x - x*."""
        return 0.25 * self._energy(x - minimiser)

    def _energy(self, x: Float[Array, "dim"]) -> Float[Array, ""]:
        return 0.5 * (x[0] ** 2 + jnp.sum(jnp.diff(x) ** 2) + x[-1] ** 2)

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
    ridge: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=0.0)

    def __call__(self, x: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f(x), the mean loss."""
        margins = self.features @ x
        return jnp.mean(jax.nn.softplus(margins) - self.labels * margins) + 0.5 * self.ridge * jnp.sum(x**2)

    def gap(self, x: Float[Array, "dim"], minimiser: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return f(x) - f*: the loss of every sample above its tangent at x*, since the mean tangent is flat."""
        shift = x - minimiser
        probabilities = jax.nn.sigmoid(self.features @ minimiser)
        margins = self.features @ shift
        above = jnp.log1p(probabilities * jnp.expm1(margins)) - probabilities * margins
        return jnp.mean(above) + 0.5 * self.ridge * jnp.sum(shift**2)

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


Problem = Quadratic | WorstCase | LogisticRegression


@eqx.filter_jit
def planted_logistic(samples: int, dimensions: int, ridge: float, *, key: Key[Array, ""]) -> LogisticRegression:
    """Return a logistic regression on N(0, 1) features whose labels follow a N(0, I) parameter by the logistic law."""
    of_features, of_parameter, of_labels = jax.random.split(key, 3)
    features = jax.random.normal(of_features, (samples, dimensions))
    parameter = jax.random.normal(of_parameter, (dimensions,))
    labels = jax.random.bernoulli(of_labels, jax.nn.sigmoid(features @ parameter)).astype(features.dtype)
    return LogisticRegression(features, labels, ridge)


def standardised(features: Float[Array, "samples dim"]) -> Float[Array, "samples dim"]:
    """Return every column with mean 0 and variance 1."""
    return (features - jnp.mean(features, axis=0)) / jnp.std(features, axis=0)


@eqx.filter_jit
def newton_minimiser(problem: LogisticRegression) -> Float[Array, "dim"]:
    """Return the minimiser of a ridge logistic regression to rounding, by Newton's method from 0.

    A full step is halved until the value falls; `NEWTON_STEPS` are several times what quadratic convergence takes.
    """

    def step(_: Int[Array, ""], x: Float[Array, "dim"]) -> Float[Array, "dim"]:
        direction = jnp.linalg.solve(jax.hessian(problem)(x), problem.gradient(x))
        lengths = 0.5 ** jnp.arange(20)
        values = jax.vmap(lambda length: problem(x - length * direction))(lengths)
        # Near the minimiser no value falls, because of rounding; there the full step is right.
        chosen = jnp.argmax(values <= problem(x) + 1e-12)
        return x - lengths[chosen] * direction

    return jax.lax.fori_loop(0, NEWTON_STEPS, step, jnp.zeros(problem.features.shape[1]))
