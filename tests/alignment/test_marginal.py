"""Marginalized losses against direct sums, and what can be said of any barrier."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.alignment.gaussians import Gaussians, geodesic
from perspectives.alignment.marginal import (
    accuracy,
    barrier,
    calibration_error,
    excess,
    jackknife_bias,
    log_mean,
    log_probabilities,
    marginalized_loss,
    mixture_losses,
    noise,
    of_labels,
    path_log_likelihoods,
)
from perspectives.alignment.networks import Vgg, perceptron
from perspectives.numerics.trees import named_arrays, with_arrays

TIMES = np.linspace(0, 1, 11)


@pytest.fixture(scope="module")
def model():
    return perceptron(5, 4, 1, 3, key=jax.random.key(0))


@pytest.fixture(scope="module")
def images():
    return jax.random.normal(jax.random.key(1), (6, 5), jnp.float32)


@pytest.fixture(scope="module")
def keys():
    return jax.random.split(jax.random.key(2), 3)


def posterior(model, deviation):
    mean = named_arrays(model)
    return Gaussians(mean, {name: np.full_like(array, deviation) for name, array in mean.items()})


def likelihoods(seed, draws=8, images=30, scale=2.0):
    return -scale * np.random.default_rng(seed).exponential(size=(draws, images))


def test_loss_is_that_of_the_mean_likelihood():
    values = likelihoods(0)
    direct = -np.mean(np.log(np.mean(np.exp(values), axis=0)))
    assert marginalized_loss(values) == pytest.approx(direct, rel=1e-13)  # rounding of sums of 30
    assert marginalized_loss(values) < -values.mean(), "the expectation stands inside the log"


def test_loss_of_one_draw_is_its_own():
    values = likelihoods(0, draws=1)
    assert marginalized_loss(values) == pytest.approx(-values.mean(), rel=1e-14)


@pytest.mark.parametrize("level", [1e4, -1e4])
def test_log_mean_neither_overflows_nor_underflows(level):
    values = np.array([[level, level, level], [level, -np.inf, level - 3]])
    expected = level + np.log([1, 0.5, (1 + np.exp(-3)) / 2])
    np.testing.assert_allclose(log_mean(values), expected, rtol=1e-15)


def test_probability_of_zero_is_allowed_in_some_draws_and_in_all():
    assert log_mean(np.array([[-np.inf], [0.0]]))[0] == pytest.approx(np.log(0.5))
    assert log_mean(np.array([[-np.inf], [-np.inf]]))[0] == -np.inf


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("function", [log_mean, marginalized_loss])
def test_what_no_log_probability_can_be_is_refused(function, bad):
    values = likelihoods(0)
    values[3, 4] = bad
    with pytest.raises(ValueError, match="logits overflowed before they were normalised"):
        function(values)


def test_draws_are_mean_plus_deviation_times_noise(model, images, keys):
    abstract = jax.eval_shape(lambda: model)
    found = log_probabilities(abstract, posterior(model, 0.3), images, keys)
    for key, one in zip(keys, found, strict=True):
        z = named_arrays(noise(model, key=key))
        drawn = {name: mean + np.float32(0.3) * z[name] for name, mean in named_arrays(model).items()}
        logits = np.asarray(jax.vmap(with_arrays(model, drawn))(images), np.float64)
        direct = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        np.testing.assert_allclose(one, direct, atol=1e-5)  # single precision


def test_noise_is_standard_gaussian_and_not_shared_between_arrays():
    square = perceptron(100, 100, 2, 100, key=jax.random.key(0))
    z = named_arrays(noise(square, key=jax.random.key(1)))
    weights = [values.ravel() for name, values in z.items() if "weight" in name]
    # 10,000 numbers: five standard errors of a mean, a variance and a correlation
    for values in weights:
        assert abs(values.mean()) < 0.05
        assert abs(values.var() - 1) < 0.071
    correlations = np.corrcoef(weights) - np.eye(len(weights))
    assert np.abs(correlations).max() < 0.05


def test_same_keys_same_draws_and_a_draw_does_not_depend_on_how_many_there_are(model, images, keys):
    one, again = (log_probabilities(model, posterior(model, 0.3), images, keys) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(log_probabilities(model, posterior(model, 0.3), images, keys[:2]), one[:2])
    assert not np.array_equal(one[0], one[1])


def test_a_point_has_one_prediction_whatever_the_draw(model, images, keys):
    found = log_probabilities(model, Gaussians.point(named_arrays(model)), images, keys)
    np.testing.assert_array_equal(found, np.broadcast_to(found[0], found.shape))
    np.testing.assert_allclose(np.exp(found).sum(2), 1, rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [lambda key: perceptron(192, 4, 2, 3, key=key), lambda key: Vgg((8, 8, 3), (2, 3), 4, 3, key=key)],
    ids=["perceptron", "any other"],
)
def test_paths_are_the_geodesics_posteriors_met_one_by_one(make, keys):
    one, *others = (make(jax.random.key(number)) for number in range(3))
    first, *targets = (posterior(model, s) for model, s in zip((one, *others), (0.1, 0.3, 0.0), strict=True))
    images = jax.random.normal(jax.random.key(4), (5, 8, 8, 3), jnp.float32)
    labels, times = np.array([0, 2, 1, 1, 2]), np.array([0, 0.3, 1])
    found = path_log_likelihoods(one, first, targets, times, images, labels, keys)
    assert found.shape == (2, 3, len(keys), 5)
    for target, path in zip(targets, found, strict=True):
        for time, values in zip(times, path, strict=True):
            direct = log_probabilities(one, geodesic(first, target, float(time)), images, keys)
            np.testing.assert_allclose(values, of_labels(direct, labels), rtol=1e-4, atol=1e-4)  # single precision
    assert np.abs(found[0, -1] - found[1, -1]).min() > 1e-2, "targets differ"


def test_paths_refuse_other_networks_and_overflow_between_the_ends(model, images, keys):
    labels = np.zeros(6, int)
    first = posterior(model, 0.1)
    other = posterior(perceptron(5, 3, 1, 3, key=keys[0]), 0.1)
    with pytest.raises(ValueError, match="posteriors of different networks"):
        path_log_likelihoods(model, first, [other], np.array([0.0, 1]), images, labels, keys)
    with pytest.raises(ValueError, match="paths begin at time 0"):
        path_log_likelihoods(model, first, [first], np.array([0.5, 1]), images, labels, keys)
    with pytest.raises(ValueError, match=r"the logits of \d of 3 draws overflow float32"):
        path_log_likelihoods(model, first, [posterior(model, 1e30)], np.array([0, 0.5, 1]), images, labels, keys)


@pytest.mark.parametrize("deviation", [1e20, 3e38])
def test_deviations_beyond_single_precision_are_refused(model, images, keys, deviation):
    with pytest.raises(ValueError, match=r"the logits of \d of 3 draws overflow float32: its deviations are too large"):
        log_probabilities(model, posterior(model, deviation), images, keys)


def test_right_classes_are_picked_in_double_precision():
    values = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    picked = of_labels(values, np.array([2, 0, 1, 1]))
    np.testing.assert_array_equal(picked, [[2, 3, 7, 10], [14, 15, 19, 22]])
    assert picked.dtype == np.float64


@pytest.mark.parametrize("scale", [0.1, 2.0, 100.0])
def test_jackknife_bias_is_that_of_leaving_out_each_draw(scale):
    values = likelihoods(3, scale=scale)
    rest = [marginalized_loss(np.delete(values, draw, axis=0)) for draw in range(len(values))]
    expected = (len(values) - 1) * (np.mean(rest) - marginalized_loss(values))
    assert jackknife_bias(values) == pytest.approx(expected, rel=1e-10)  # a difference of losses about as large


def test_jackknife_bias_of_a_draw_that_carries_all_the_likelihood():
    values = np.array([[0.0], [-100.0], [-200.0], [-np.inf]])
    # Without the first draw the log-mean falls by 100 and a little; without any other it rises by log 4/3.
    rest = np.array([100 + np.log(3), *[np.log(3)] * 3])
    assert jackknife_bias(values) == pytest.approx(3 * (rest.mean() - np.log(4)), rel=1e-12)


def test_jackknife_finds_the_bias_of_a_planted_distribution():
    sigma, draws, images = 0.3, 8, 200_000
    values = sigma * np.random.default_rng(4).normal(size=(draws, images))
    truth = -(sigma**2) / 2  # -log of the mean of a lognormal variable
    variance = np.expm1(sigma**2)  # relative
    bias = jackknife_bias(values)
    error = 5 * np.sqrt(variance / draws / images)  # five standard errors of the loss, a fifth of the bias
    assert abs(marginalized_loss(values) - truth) > 3 * error
    assert abs(marginalized_loss(values) - bias - truth) < error
    assert bias == pytest.approx(variance / (2 * draws), rel=0.1)  # the next order in 1 / S


def test_draws_that_agree_have_no_bias_and_one_draw_has_no_estimate():
    assert abs(jackknife_bias(np.repeat(likelihoods(0, draws=1), 5, axis=0))) < 1e-13
    with pytest.raises(ValueError, match="take at least 2"):
        jackknife_bias(likelihoods(0, draws=1))


def test_mixture_has_the_ends_losses_at_the_ends_and_the_mean_probability_between():
    first, second = likelihoods(0), likelihoods(1)
    losses = mixture_losses(first, second, TIMES)
    assert losses[0] == pytest.approx(marginalized_loss(first), rel=1e-14)
    assert losses[-1] == pytest.approx(marginalized_loss(second), rel=1e-14)
    both = 0.7 * np.exp(first).mean(0) + 0.3 * np.exp(second).mean(0)
    assert losses[3] == pytest.approx(-np.log(both).mean(), rel=1e-13)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("seed", range(5))
def test_mixture_is_convex_so_it_has_no_barrier(seed, scale):
    losses = mixture_losses(likelihoods(2 * seed, scale=scale), likelihoods(2 * seed + 1, scale=scale), TIMES)
    rounding = 1e-12 * max(1, scale)
    assert barrier(losses, TIMES) <= rounding
    assert np.all(np.diff(losses, 2) >= -rounding)


def test_barrier_is_the_highest_excess_over_the_line_between_the_ends():
    times, losses = np.array([0, 0.25, 0.5, 1]), np.array([1.0, 3.0, 2.5, 2.0])
    np.testing.assert_allclose(excess(losses, times), [0, 1.75, 1, 0])
    assert barrier(losses, times) == 1.75
    # what is linear in time adds nothing
    assert barrier(losses + 5 - 3 * times, times) == pytest.approx(1.75, rel=1e-14)


def test_a_valley_is_no_barrier():
    assert barrier((TIMES - 0.5) ** 2, TIMES) == 0


@pytest.mark.parametrize("times", [TIMES[1:], TIMES[:-1], TIMES[::-1]], ids=["no start", "no end", "backwards"])
@pytest.mark.parametrize("function", [barrier, excess])
def test_a_path_goes_from_zero_to_one(function, times):
    with pytest.raises(ValueError, match="a path goes from 0 to 1, got times from"):
        function(np.ones(len(times)), times)


def test_accuracy_is_that_of_the_mean_predictive_not_of_a_vote():
    # Two draws lean to class 0, the third is sure of class 1: the mean says 1.
    probabilities = np.array([[[0.6, 0.4]], [[0.6, 0.4]], [[0.01, 0.99]]])
    assert accuracy(np.log(probabilities), np.array([1])) == 1
    assert accuracy(np.log(probabilities), np.array([0])) == 0


def planted_predictions(draws):
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet([0.3] * 10, size=20_000)
    labels = (probabilities.cumsum(1) < rng.random((len(probabilities), 1))).sum(1)
    return np.log(np.broadcast_to(probabilities, (draws, *probabilities.shape)) + 1e-300), np.minimum(labels, 9)


def test_accuracy_and_calibration_error_by_counting():
    values, labels = planted_predictions(2)
    wrong = np.roll(labels, 1)
    predictive = np.exp(values).mean(0)
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (predictive.max(1) >= low) & (predictive.max(1) < low + 1 / 15)
        if inside.any():
            right = predictive[inside].argmax(1) == wrong[inside]
            expected += inside.mean() * abs(right.mean() - predictive[inside].max(1).mean())
    assert calibration_error(values, wrong) == pytest.approx(expected, abs=1e-3)  # a confidence on the edge of a bin
    assert accuracy(values, wrong) == np.mean(predictive.argmax(1) == wrong)


def test_calibrated_predictions_have_hardly_any_calibration_error():
    values, labels = planted_predictions(1)
    # Each bin's share is off by its standard error: sqrt(15 / 20,000) / 2 = 0.014 in the worst case.
    assert calibration_error(values, labels) < 0.014
    sharper = 3 * values - np.log(np.exp(3 * values).sum(2, keepdims=True))
    assert calibration_error(sharper, labels) > 0.1


@pytest.mark.parametrize(("right", "error"), [(True, 0.0), (False, 1.0)])
def test_certainty_falls_into_the_last_bin(right, error):
    sure = np.log(np.array([[[1.0, 1e-300]] * 4]))
    assert calibration_error(sure, np.full(4, 0 if right else 1)) == error
