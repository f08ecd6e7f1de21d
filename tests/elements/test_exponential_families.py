"""Laws of exponential families: moments are derivatives, masses sum to one, Newton's fit is the library's."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optimistix
import pytest

from perspectives.elements.exponential_families import FAMILIES, covariance, mean, negative_log_likelihood
from perspectives.elements.generalised_linear import loss, moment_residual, newton_fit, standard_errors

THETAS = {
    "Bernoulli": [-2.0],
    "categorical": [-2.0, 1.0, 0.3],
    "Gaussian": [-1.5],
    "Poisson": [2.0],
}
ORACLES = {
    "Bernoulli": lambda theta: dist.Bernoulli(logits=theta[0]),
    "categorical": lambda theta: dist.Categorical(logits=theta),
    "Gaussian": lambda theta: dist.Normal(theta[0], 1.0),
    "Poisson": lambda theta: dist.Poisson(jnp.exp(theta[0])),
}
OBSERVED = {"Bernoulli": [0, 1], "categorical": [0, 1, 2], "Gaussian": [-1.0, 0.4], "Poisson": [0, 1, 7]}


@pytest.fixture(params=THETAS, scope="module")
def evaluated(request):
    """What our family and numpyro's say at one parameter, compiled once."""
    name = request.param
    family, y = FAMILIES[name], jnp.array(OBSERVED[name])

    @jax.jit
    def compute(theta):
        oracle = ORACLES[name](theta)
        losses = jax.vmap(lambda y: negative_log_likelihood(family, theta, y))
        slopes = jax.vmap(lambda y: jax.grad(lambda t: negative_log_likelihood(family, t, y))(theta))
        p = oracle.probs if name == "categorical" else None
        return {
            "losses": (losses(y), -oracle.log_prob(y)),
            # numpyro's moments of a categorical label are not those of the indicator
            "mean": (mean(family, theta), oracle.mean[None] if p is None else p),
            "covariance": (
                covariance(family, theta),
                oracle.variance[None, None] if p is None else jnp.diag(p) - jnp.outer(p, p),
            ),
            "slopes": (slopes(y), mean(family, theta) - jax.vmap(family.statistic)(y)),
        }

    return compute(jnp.array(THETAS[name]))


@pytest.mark.parametrize("what", ["losses", "mean", "covariance"])
def test_likelihoods_and_moments_are_numpyros(evaluated, what):
    ours, theirs = evaluated[what]
    np.testing.assert_allclose(ours, theirs, atol=1e-13)  # rounding of values up to 15


def test_gradient_of_the_loss_is_mean_minus_statistic(evaluated):
    slopes, expected = evaluated["slopes"]
    np.testing.assert_allclose(slopes, expected, atol=1e-14)


@pytest.fixture(params=["Bernoulli", "Poisson"], scope="module")
def fitted(request):
    """A family, data of it with planted weights, and Newton's fit."""
    generator = np.random.default_rng(5)
    features = generator.normal(size=(300, 3))
    scores = features @ [0.8, -0.5, 0.2]
    if request.param == "Bernoulli":
        targets = (generator.uniform(size=300) < 1 / (1 + np.exp(-scores))).astype(float)
    else:
        targets = generator.poisson(np.exp(scores)).astype(float)
    family, features, targets = FAMILIES[request.param], jnp.asarray(features), jnp.asarray(targets)
    return family, features, targets, jax.jit(partial(newton_fit, family))(features, targets)


def test_newton_is_optimistix_and_matches_moments(fitted):
    family, features, targets, fit = fitted
    gradient = jax.grad(lambda w: loss(family, features, targets, w))
    found = optimistix.root_find(lambda w, _: gradient(w), optimistix.Newton(1e-10, 1e-12), jnp.zeros(3))
    np.testing.assert_allclose(fit.weights, found.value, atol=1e-9)  # its solver stops at 1e-10 relative
    np.testing.assert_allclose(moment_residual(family, features, targets, fit.weights), 0, atol=1e-14)
    assert float(fit.gradients[0]) > 1e-2


def test_newton_doubles_the_digits(fitted):
    gradients = np.asarray(fitted[-1].gradients)
    small = np.flatnonzero((gradients < 1e-2) & (gradients > 1e-7))
    assert len(small) > 0
    for k in small:  # quadratic convergence, with a factor of order one over the Hessian's
        assert gradients[k + 1] < 20 * gradients[k] ** 2 + 1e-15


def test_standard_errors_cover_planted_weights(fitted):
    """Three |z| below 4: chance of a miss is one in five thousand, and the draw is fixed."""
    fit = fitted[-1]
    z = (fit.weights - jnp.array([0.8, -0.5, 0.2])) / standard_errors(fit, 300)
    assert float(jnp.max(jnp.abs(z))) < 4
    assert float(jnp.max(jnp.abs(z))) > 1e-3
