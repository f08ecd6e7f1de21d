import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from perspectives.alignment.networks import ResNet20, perceptron
from perspectives.alignment.priors import Prior, prior
from perspectives.numerics.trees import named_arrays


def log_density(laplace, deviation):
    """Of the Gaussian or Laplace distribution with that standard deviation."""
    if laplace:
        return lambda x: stats.laplace.logpdf(x, scale=deviation / np.sqrt(2))
    return lambda x: stats.norm.logpdf(x, scale=deviation)


laplace = pytest.mark.parametrize("laplace", [False, True], ids=["gaussian", "laplace"])


@laplace
@pytest.mark.parametrize(
    ("mean", "deviation", "scale"),
    [(0.0, 1.0, 1.0), (0.0, 0.01, 0.5), (0.7, 0.3, 0.2), (-1.5, 2.0, 0.6), (3.0, 0.05, 1.4), (-1e-4, 1e-3, 0.1)],
)
def test_divergence_is_the_integral(laplace, mean, deviation, scale):
    log_p = log_density(laplace, scale)

    def integrand(x):
        log_q = stats.norm.logpdf(x, mean, deviation)
        return np.exp(log_q) * (log_q - log_p(x))

    low, high = mean - 12 * deviation, mean + 12 * deviation
    cusp = [0.0] if low < 0 < high else None
    exact, _ = integrate.quad(integrand, low, high, points=cusp, epsabs=1e-12, epsrel=1e-10, limit=500)
    found = Prior(jnp.asarray(scale), laplace).divergence(jnp.asarray(mean), jnp.asarray(deviation))
    # The tails beyond twelve deviations weigh e^-72; where both are the same, nothing is left to be relative to.
    np.testing.assert_allclose(found, exact, rtol=1e-8, atol=1e-10)


@laplace
def test_divergence_is_the_sum_over_all_numbers(laplace):
    generator = np.random.default_rng(0)
    mean = {name: jnp.asarray(generator.normal(size=shape)) for name, shape in (("a", (2, 3)), ("b", (4,)))}
    deviation = {name: jnp.asarray(generator.uniform(0.1, 2, array.shape)) for name, array in mean.items()}
    scales = {"a": jnp.asarray(0.5), "b": jnp.asarray(2.0)}
    total = sum(
        Prior(scales[name], laplace).divergence(m, s)
        for name in mean
        for m, s in zip(mean[name].ravel(), deviation[name].ravel(), strict=True)
    )
    np.testing.assert_allclose(Prior(scales, laplace).divergence(mean, deviation), total, rtol=1e-12)


def test_gaussian_divergence_is_zero_and_least_at_the_prior():
    value, gradient = jax.value_and_grad(lambda q: Prior(jnp.asarray(0.3)).divergence(*q))(
        (jnp.zeros(3), jnp.full(3, 0.3))
    )
    np.testing.assert_allclose(value, 0, atol=1e-15)
    np.testing.assert_allclose(gradient, 0, atol=1e-14)


@laplace
def test_penalty_is_the_negative_log_density_up_to_a_constant(laplace):
    generator = np.random.default_rng(0)
    scales = {"a": 0.5, "b": 2.0}
    belief = Prior(jax.tree.map(jnp.asarray, scales), laplace)
    first, second = ({"a": generator.normal(size=(2, 3)), "b": generator.normal(size=4)} for _ in range(2))

    def log_prior(point):
        return sum(log_density(laplace, scales[name])(array).sum() for name, array in point.items())

    found = [belief.penalty(jax.tree.map(jnp.asarray, point)) for point in (first, second)]
    np.testing.assert_allclose(found[0] - found[1], log_prior(second) - log_prior(first), rtol=1e-12)


class Small(eqx.Module):
    """One of each kind of array, and a whole number that is no part of any prior."""

    convolution: eqx.nn.Conv2d
    norm: eqx.nn.LayerNorm
    linear: eqx.nn.Linear
    count: jax.Array


@pytest.fixture(scope="module")
def small():
    keys = jax.random.split(jax.random.key(0), 2)
    return Small(
        eqx.nn.Conv2d(3, 4, 5, key=keys[0]), eqx.nn.LayerNorm(4), eqx.nn.Linear(7, 2, key=keys[1]), jnp.asarray(3)
    )


@pytest.mark.parametrize("family", ["fan_in", "laplace"])
def test_variances_of_weights_are_over_their_fan_in_and_those_of_biases_and_scales_are_not(family, small):
    belief = prior(small, family, 2.0)
    assert belief.laplace == (family == "laplace")
    variances = {name: float(scale) ** 2 for name, scale in named_arrays(belief.deviation).items()}
    assert variances == pytest.approx(
        {
            ".convolution.weight": 2 / 75,
            # Equinox keeps the bias of a convolution as (channels, 1, 1); its fan-in is one.
            ".convolution.bias": 2.0,
            ".norm.weight": 2.0,
            ".norm.bias": 2.0,
            ".linear.weight": 2 / 7,
            ".linear.bias": 2.0,
        },
        rel=1e-12,
    )


def test_isotropic_prior_has_one_variance(small):
    belief = prior(small, "isotropic", 0.1)
    assert not belief.laplace
    np.testing.assert_allclose([scale**2 for scale in jax.tree.leaves(belief.deviation)], 0.1, rtol=1e-12)


def test_prior_of_a_network_needs_only_its_shapes():
    make = lambda key: ResNet20(1, key=key)  # noqa: E731
    hollow = eqx.filter_eval_shape(make, jax.random.key(0))
    found = prior(hollow, "fan_in", 2.0).deviation
    assert jax.tree.all(jax.tree.map(lambda scale, leaf: scale.dtype == leaf.dtype, found, eqx.filter(hollow, bool)))
    np.testing.assert_allclose(found.stem.convolution.weight, (2 / 27) ** 0.5, rtol=1e-6)  # float32
    np.testing.assert_allclose(found.head.weight, (2 / 64) ** 0.5, rtol=1e-6)


def test_he_normal_weights_are_a_draw_from_the_prior_of_variance_two():
    net = perceptron(40, 300, 1, 10, key=jax.random.key(0))
    scales = named_arrays(prior(net, "fan_in", 2.0).deviation)
    for name, array in named_arrays(net).items():
        if name.endswith("weight"):
            # Five times the relative error of a standard deviation, (2n)^-1/2.
            assert np.std(array) == pytest.approx(float(scales[name]), rel=5 / (2 * array.size) ** 0.5), name
