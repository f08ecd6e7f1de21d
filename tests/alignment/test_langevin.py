import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax.flatten_util import ravel_pytree

from perspectives.alignment.langevin import (
    NetworkPotential,
    fit_mean_field,
    langevin_chains,
    potential,
    prior_draws,
    probabilities,
)
from perspectives.alignment.priors import prior
from perspectives.alignment.settings import LangevinSettings
from perspectives.alignment.steps.evaluate_langevin import evaluate_langevin
from perspectives.alignment.steps.plot_langevin import plot_langevin
from perspectives.alignment.steps.run_langevin import run_langevin
from perspectives.numerics.progress import silent
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import read_measures

CHAINS = 4000
KEPT = 10


def quadratic(x):
    return jnp.sum(x**2) / 2


def logistic(x):
    """The potential of the density 1 / (2 cosh(x)^2), whose variance is pi^2 / 12."""
    return 2 * jnp.sum(jnp.logaddexp(x, -x))


def second_moment(function, step, method):
    """Mean square of draws that are 8 units of time apart, and so nearly independent."""
    draws = langevin_chains(
        function,
        jnp.zeros((CHAINS, 1)),
        step=step,
        steps_between=round(8 / step),
        draws=KEPT + 1,
        method=method,
        key=jax.random.key(0),
    )
    return float(np.mean(np.asarray(draws)[:, 1:] ** 2))


FOUR_ERRORS = 4 * np.sqrt(2 / (CHAINS * KEPT))
"""Four standard errors, relative, of the variance of so many independent Gaussian draws."""


def test_euler_has_the_stationary_variance_of_its_recursion_and_its_bias_halves_with_the_step():
    # x' = (1 - h) x + sqrt(2 h) z has variance 2 h / (1 - (1 - h)^2) = 1 / (1 - h / 2), where the target has 1
    coarse, fine = (second_moment(quadratic, step, "euler") for step in (0.4, 0.2))
    np.testing.assert_allclose(coarse, 1 / 0.8, rtol=FOUR_ERRORS)
    np.testing.assert_allclose(fine, 1 / 0.9, rtol=FOUR_ERRORS)
    # 0.25 / 0.111 = 2.25; the smaller bias is known to a quarter
    assert 1.7 < (coarse - 1) / (fine - 1) < 3


@pytest.mark.parametrize("step", [0.2, 1.0])
def test_leimkuhler_matthews_has_the_exact_variance_of_a_gaussian_at_any_stable_step(step):
    np.testing.assert_allclose(second_moment(quadratic, step, "leimkuhler-matthews"), 1, rtol=FOUR_ERRORS)


def test_leimkuhler_matthews_is_less_biased_than_euler_where_neither_is_exact():
    # The slope of this potential is bounded. With x^4, say, Euler's method diverges at any step, sooner or later.
    exact = np.pi**2 / 12
    ours, euler = (second_moment(logistic, 0.4, method) for method in ("leimkuhler-matthews", "euler"))
    assert euler - exact > 0.1
    assert abs(ours - exact) < (euler - exact) / 3


def test_a_step_too_large_is_said_to_be():
    with pytest.raises(ValueError, match=r"alignment\.langevin\.step = 3 is too large.*config\.yaml"):
        langevin_chains(quadratic, jnp.ones((CHAINS, 1)), step=3.0, steps_between=1200, draws=2, key=jax.random.key(0))


@pytest.fixture(scope="module")
def problem():
    keys = jax.random.split(jax.random.key(1), 3)
    model = eqx.nn.MLP(2, 3, 4, depth=1, activation=jnp.tanh, dtype=jnp.float64, key=keys[0])
    inputs, labels = jax.random.normal(keys[1], (20, 2)), jax.random.randint(keys[2], (20,), 0, 3)
    return model, inputs, labels, prior(model, "fan_in", 2.0)


def test_potential_is_the_negative_log_posterior(problem):
    model, inputs, labels, belief = problem
    (w, b), (v, a) = ((np.asarray(layer.weight), np.asarray(layer.bias)) for layer in model.layers)
    logits = np.tanh(np.asarray(inputs) @ w.T + b) @ v.T + a
    likelihood = np.exp(logits)[np.arange(20), labels] / np.exp(logits).sum(axis=1)
    penalty = ((w**2).sum() * 2 + (b**2).sum() + (v**2).sum() * 4 + (a**2).sum()) / (2 * 2.0)
    np.testing.assert_allclose(
        potential(model, inputs, labels, belief), -np.log(likelihood).sum() + penalty, rtol=1e-12
    )


def test_gradient_of_the_potential_is_its_finite_difference(problem):
    model, inputs, labels, belief = problem
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(arrays)
    function = jax.jit(lambda x: NetworkPotential(static, inputs, labels, belief)(unravel(x)))
    directions = np.eye(len(flat)) * 1e-5
    differences = [(function(flat + d) - function(flat - d)) / 2e-5 for d in directions]
    # central differences: error h^2 = 1e-10 times a third derivative of some ten, and rounding 1e-16 * 30 / 1e-5
    np.testing.assert_allclose(jax.grad(function)(flat), differences, atol=1e-8)


def test_chains_of_a_posterior_without_data_return_to_the_prior(problem):
    model, inputs, labels, belief = problem
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    alone = NetworkPotential(static, inputs[:0], labels[:0], belief)
    start = jax.tree.map(lambda leaf: jnp.zeros((200, *leaf.shape)), arrays)
    draws = langevin_chains(alone, start, step=0.1, steps_between=80, draws=6, key=jax.random.key(2))
    for name, layer, variances in (("first", 0, (1.0, 2.0)), ("second", 1, (0.5, 2.0))):
        for array, variance in zip((draws.layers[layer].weight, draws.layers[layer].bias), variances, strict=True):
            kept = np.asarray(array)[:, 1:]
            # 80 steps are 4 relaxation times of the biases: correlations of e^-4 between draws, within the tolerance
            np.testing.assert_allclose(kept.var(), variance, rtol=5 * np.sqrt(2 / kept.size), err_msg=name)


def test_prior_draws_have_the_prior_deviations(problem):
    model, *_, belief = problem
    draws = prior_draws(model, belief, count=4000, key=jax.random.key(3))
    np.testing.assert_allclose(draws.layers[1].weight.std(), (2 / 4) ** 0.5, rtol=0.02)
    np.testing.assert_allclose(draws.layers[1].bias.std(), 2**0.5, rtol=0.03)


def test_probabilities_sum_to_one_and_are_those_of_the_network(problem):
    model, inputs, _, belief = problem
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    drawn = jax.tree.map(lambda leaf: leaf[None, None], arrays)
    found = probabilities(static, drawn, inputs)[0, 0]
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-12)
    np.testing.assert_allclose(found, jax.nn.softmax(jax.vmap(model)(inputs)), rtol=1e-12)


def test_mean_field_posteriors_refuse_a_number_of_steps_that_makes_no_rounds(problem):
    model, inputs, labels, belief = problem
    with pytest.raises(ValueError, match="mean_field_steps = 15"):
        fit_mean_field(lambda _: model, inputs, labels, belief, members=2, steps=15, key=jax.random.key(0))


SMALL = LangevinSettings(
    digits=(3, 8), train_images=20, test_images=10, hidden=3, chains=4, steps_between=2, draws=12, burn_in=0.25,
    mean_field_posteriors=2, mean_field_steps=20, mean_field_draws=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A table as scikit-learn's, of noise around an image for each digit."""
    generator = np.random.default_rng(0)
    labels = np.arange(80) % 10
    pixels = np.clip(generator.uniform(0, 16, (10, 64))[labels] + generator.normal(size=(80, 64)), 0, 16)
    path = tmp_path_factory.mktemp("digits") / "digits.csv"
    np.savetxt(path, np.column_stack([pixels.round(), labels]), delimiter=",", fmt="%d")
    return path


@pytest.fixture(scope="module")
def runs(digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("langevin") / "runs.npz"
    settings = SMALL.model_copy(update={"train_images": 10, "test_images": 6})
    run_langevin(settings=settings, seed=0, digits=digits, runs=path, progress=silent)
    return settings, path


def test_a_run_of_the_same_seed_is_the_same_file(runs, digits, tmp_path):
    settings, path = runs
    seen = []
    again = tmp_path / "again.npz"

    def report(done, total, /, **numbers):
        seen.append((done, total))

    run_langevin(settings=settings, seed=0, digits=digits, runs=again, progress=report)
    assert again.read_bytes() == path.read_bytes()
    assert seen == sorted(seen)
    assert seen[-1] == (36, 36)


def test_chains_too_short_are_said_not_to_have_converged(runs, tmp_path):
    settings, path = runs
    found = evaluated(settings, path, tmp_path)
    assert found["converged"].value == 0
    assert found["largest_r_hat"].value > 1.01
    assert all(np.isfinite(measure.value) for measure in found.values())
    plot_langevin(
        measures=tmp_path / "measures.csv",
        predictions=tmp_path / "predictions.csv",
        traces=tmp_path / "traces.csv",
        **{kind: tmp_path / f"figure.{kind}" for kind in ("png", "pdf", "csv")},
    )
    drawn = pd.read_csv(tmp_path / "figure.csv")
    assert not {"langevin", "mean_field", "r_hat_half", "loss_nats"} - set(drawn["curve"])
    traces = pd.read_csv(tmp_path / "traces.csv")
    assert np.count_nonzero(traces["kept"]) == 4 * 9
    np.testing.assert_allclose(traces["time"].max(), 12 * 2 * settings.step)


def test_a_run_refuses_more_images_than_there_are(digits, tmp_path):
    with pytest.raises(UserError, match="= 30 of the digits"):
        run_langevin(settings=SMALL, seed=0, digits=digits, runs=tmp_path / "runs.npz", progress=silent)


def evaluated(settings, path, folder):
    evaluate_langevin(
        settings=settings,
        runs=path,
        measures=folder / "measures.csv",
        predictions=folder / "predictions.csv",
        traces=folder / "traces.csv",
    )
    return read_measures(folder / "measures.csv")


def planted(folder, spoil):
    """The measures of independent draws; weights lie around one network, its units in another order in each chain."""
    generator = np.random.default_rng(0)
    settings = LangevinSettings(chains=4, draws=800, burn_in=0.0, hidden=5)
    shape = (settings.chains, settings.draws, 6, 3)
    file = {f"probabilities_{name}": generator.dirichlet((2, 3, 4), shape[:-1]) for name in ("step", "half")}
    file["probabilities_mean_field"] = np.full((2, 5, 6, 3), 1 / 3) * generator.uniform(0.9, 1, (2, 5, 6, 1))
    orders = np.array([generator.permutation(5) for _ in range(4)])
    network = {"[0].weight": (5, 2), "[0].bias": (5,), "[1].weight": (3, 5), "[1].bias": (3,)}
    for name, size in network.items():
        base = generator.normal(size=size)
        if name != "[1].bias":
            base = np.array([base.take(order, axis=-1 if name == "[1].weight" else 0) for order in orders])
        else:
            base = np.array([base] * 4)
        noise = 0.01 * generator.normal(size=(4, 800, *size))
        file[f"weights_half.layers{name}"] = base[:, None] + noise
    spoil(file)
    path = folder / "runs.npz"
    np.savez(path, allow_pickle=False, labels=np.arange(6) % 3, elbo=np.array([-1.0, -2.0]), **file)
    return evaluated(settings, path, folder)


def test_independent_draws_have_converged(tmp_path):
    found = planted(tmp_path, lambda file: None)
    assert found["converged"].value == 1
    # Dirichlet means: 2/9, 3/9, 4/9, two images of each class
    expected = -np.mean(np.log(np.array([2, 3, 4]) / 9))
    low, high = found["langevin_loss"].ci_low, found["langevin_loss"].ci_high
    assert low is not None
    assert high is not None
    assert low - 0.01 < expected < high + 0.01


def test_alignment_removes_planted_orders_of_the_units(tmp_path):
    found = planted(tmp_path, lambda file: None)
    assert found["between_share_before"].value > 0.9
    # the means of 50 draws of one law: 1/50 of the variance
    assert found["between_share_after"].value < 0.05
    assert found["between_share_after_signs"].value < 0.05


def move_a_chain(file):
    half = file["probabilities_half"]
    half[0] = 0.7 * half[0] + 0.3 * np.eye(3)[0]


def move_a_step(file):
    step = file["probabilities_step"]
    step[:] = 0.95 * step + 0.05 * np.eye(3)[0]


@pytest.mark.parametrize("spoil", [move_a_chain, move_a_step])
def test_chains_or_steps_that_disagree_have_not_converged(spoil, tmp_path):
    assert planted(tmp_path, spoil)["converged"].value == 0


def test_signs_of_units_are_aligned_too(tmp_path):
    def flip(file):
        for name in ("[0].weight", "[0].bias", "[1].weight"):
            file[f"weights_half.layers{name}"][1:3] *= -1

    found = planted(tmp_path, flip)
    assert found["between_share_after"].value > 0.5
    assert found["between_share_after_signs"].value < 0.05
