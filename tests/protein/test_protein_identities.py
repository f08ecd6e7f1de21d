"""The laws' measures hold, are those that the claims ask for, and would notice a mistake."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from perspectives.protein import identities
from perspectives.protein.claims import LAWS
from perspectives.protein.identities import (
    euler_difference,
    normal_transport_error,
    parameter_count,
    parameter_count_errors,
    released_euler,
)
from perspectives.protein.predictors import ConvolutionPredictor
from perspectives.protein.steps.check_protein_identities import check_protein_identities
from perspectives.protein.velocities import ResidualPerceptron
from perspectives.workbench.measures import read_measures


def test_networks_have_as_many_parameters_as_the_released_ones():
    assert set(parameter_count_errors().values()) == {0}
    shape = eqx.filter_eval_shape(lambda key: ConvolutionPredictor(key=key), jax.random.key(0))
    assert parameter_count(shape) == 20 * 5 * 256 + 256 + 256 * 512 + 512 + 512 + 1


def test_the_released_loop_takes_the_time_at_the_beginning_of_a_step():
    found = released_euler(lambda z, t: jnp.full_like(z, t), jnp.zeros((1, 1)))
    np.testing.assert_allclose(found, 31 / 64, atol=1e-12)


def test_a_wrong_time_would_be_noticed(monkeypatch):
    velocity = ResidualPerceptron(16, width=8, depth=2, key=jax.random.key(0))
    assert euler_difference(velocity) < 1e-5
    right = identities.prior_samples
    monkeypatch.setattr(
        identities, "prior_samples", lambda velocity, z, steps: right(lambda z, t: velocity(z, t + 1 / 32), z, steps)
    )
    assert euler_difference(velocity) > 1e-4


def test_a_wrong_velocity_would_be_noticed(monkeypatch):
    class Wrong(identities.NormalVelocity):
        def __call__(self, z, t):
            return super().__call__(z, t) + 0.01 * t * z

    monkeypatch.setattr(identities, "NormalVelocity", Wrong)
    assert normal_transport_error() > 1e-3


def test_measures_are_those_of_the_laws_and_hold(tmp_path):
    table = tmp_path / "identities_measures.csv"
    check_protein_identities(measures=table)
    found = read_measures(table)
    laws = {law.quantity.partition(":")[2]: law for law in LAWS if law.quantity.startswith("identities:")}
    assert set(laws) <= set(found)
    for name, law in laws.items():
        assert law.criterion.low <= found[name].value <= law.criterion.high, name
