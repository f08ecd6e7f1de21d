import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.elements import hypergradients, kernel_ridge
from perspectives.elements.steps.measure_hypergradients import drawn_regression


@pytest.fixture(scope="module")
def regression():
    return kernel_ridge.drawn(24, 12, 0.5, key=jax.random.key(0))


def test_weights_are_those_of_scikit_learn(regression):
    from sklearn.kernel_ridge import KernelRidge

    width = 0.3
    model = KernelRidge(kernel="rbf", gamma=1 / (2 * width**2)).set_params(alpha=0.5)
    model.fit(np.asarray(regression.inputs)[:, None], np.asarray(regression.outputs))
    weights = kernel_ridge.exact_weights(jnp.log(width), regression)
    np.testing.assert_allclose(weights, model.dual_coef_, rtol=1e-10)  # condition 20, two solvers
    at = regression.validation_inputs
    found = kernel_ridge.predictions(at, weights, jnp.log(width), regression)
    np.testing.assert_allclose(found, model.predict(np.asarray(at)[:, None]), rtol=1e-9)
    loss = kernel_ridge.validation_loss(weights, jnp.log(width), regression)
    assert float(loss) == pytest.approx(np.mean((found - regression.validation_outputs) ** 2) / 2)


def test_inner_objective_is_least_at_the_exact_weights(regression):
    weights = kernel_ridge.exact_weights(jnp.log(0.3), regression)
    gradient = jax.grad(kernel_ridge.inner_objective)(weights, jnp.log(0.3), regression)
    assert float(jnp.max(jnp.abs(gradient))) < 1e-12  # rounding of sums of a dozen
    nearby = weights + 1e-3 * jax.random.normal(jax.random.key(1), weights.shape)
    best, other = (kernel_ridge.inner_objective(w, jnp.log(0.3), regression) for w in (weights, nearby))
    assert best < other


def test_only_outputs_to_train_on_are_noisy():
    """A function of the kernel's space: without ridge and noise the true width predicts the rest from dense points."""
    drawn = kernel_ridge.drawn(2000, 1000, 1e-8, key=jax.random.key(2))
    order = np.argsort(np.concatenate([drawn.inputs, drawn.validation_inputs]))
    from_training = np.concatenate([np.ones(1000), np.zeros(1000)])[order]
    outputs = np.concatenate([drawn.outputs, drawn.validation_outputs])[order]
    jumps = np.abs(np.diff(outputs))
    exact = jumps[(from_training[1:] == 0) & (from_training[:-1] == 0)]
    # neighbours are a thousandth apart on a function of slope up to some hundreds
    assert np.median(exact) < 0.3
    noisy = jumps[(from_training[1:] == 1) & (from_training[:-1] == 1)]
    assert np.median(noisy) == pytest.approx(0.95, abs=0.2)  # median of |N(0, 2)|, four standard errors


def test_truncated_derivatives_are_those_of_the_truncated_program(regression):
    """Forward mode along the iterates is reverse mode through them; the implicit one is a formula at the iterate."""
    log_width, steps = jnp.log(0.3), 7

    def program(width, follow):
        weights = jnp.zeros(12)
        for _ in range(steps):
            weights = hypergradients.descent_step(weights, width, regression)
        if not follow:  # one Newton step from a constant iterate has the implicit derivative
            weights = jax.lax.stop_gradient(weights)
            weights = weights - jnp.linalg.solve(
                jax.lax.stop_gradient(kernel_ridge.system(width, regression)),
                kernel_ridge.system(width, regression) @ weights - regression.outputs,
            )
            iterate = jax.lax.stop_gradient(weights)
            return kernel_ridge.validation_loss(iterate_of(weights, iterate), width, regression)
        return kernel_ridge.validation_loss(weights, width, regression)

    def iterate_of(weights, iterate):
        """The value of the truncated iterate with the derivative of the Newton step."""
        value = jnp.zeros(12)
        for _ in range(steps):
            value = hypergradients.descent_step(value, log_width, regression)
        return jax.lax.stop_gradient(value) + weights - iterate

    implicit, unrolled = jax.jit(hypergradients.truncated, static_argnums=2)(log_width, regression, steps)
    for way, follow in ((unrolled, True), (implicit, False)):
        expected = jax.jit(jax.grad(program), static_argnums=1)(log_width, follow)
        assert float(way.hypergradients[steps]) == pytest.approx(float(expected), rel=1e-11)


def test_step_size_is_a_constant_below_the_inverse_curvature(regression):
    size, slope = jax.value_and_grad(hypergradients.step_size)(jnp.log(0.3), regression)
    curvature = np.linalg.eigvalsh(kernel_ridge.system(jnp.log(0.3), regression))[-1]
    assert slope == 0
    assert 0.3 / curvature < size <= 1 / curvature  # row sums bound eigenvalues, here within threefold


def test_settings_give_one_regression_at_every_ridge():
    from perspectives.elements.settings import BilevelSettings

    settings = BilevelSettings(samples=20)
    one, other = (drawn_regression(settings, ridge, 0) for ridge in (1.0, 0.1))
    assert (one.outputs == other.outputs).all()
    assert len(one.inputs) == len(one.validation_inputs) == 10
    assert not (drawn_regression(settings, 1.0, 1).outputs == one.outputs).any()
