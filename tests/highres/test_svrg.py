import jax
import jax.numpy as jnp
import numpy as np

from perspectives.highres.problems import LogisticRegression
from perspectives.highres.svrg import svrg_gradient


def test_svrg_gradient_averaged_over_samples_is_the_full_gradient():
    keys = jax.random.split(jax.random.key(0), 4)
    features = jax.random.normal(keys[0], (40, 3))
    problem = LogisticRegression(features, (jax.random.uniform(keys[1], (40,)) < 0.5).astype(float))
    x, snapshot = jax.random.normal(keys[2], (3,)), jax.random.normal(keys[3], (3,))
    estimates = jax.vmap(
        lambda i: svrg_gradient(
            {"x": problem.example_gradient(i, x)},
            {"x": problem.example_gradient(i, snapshot)},
            {"x": problem.gradient(snapshot)},
        )
    )(jnp.arange(40))
    np.testing.assert_allclose(jnp.mean(estimates["x"], axis=0), problem.gradient(x), atol=1e-15)  # rounding of a mean


def test_svrg_gradient_at_the_snapshot_has_no_variance():
    gradient = {"w": jnp.array([0.3, -1.0])}
    full = {"w": jnp.array([0.1, 0.2])}
    assert jnp.array_equal(svrg_gradient(gradient, gradient, full)["w"], full["w"])
