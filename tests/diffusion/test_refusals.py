"""What cannot be meant is refused, before anything is trained or sampled."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from perspectives.diffusion.bounds import elbo
from perspectives.diffusion.denoising import DenoisingLoss
from perspectives.diffusion.hierarchical import layered_bound
from perspectives.diffusion.likelihood import flow_log_likelihood
from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.plug_in import PlugIn, sample_paths
from perspectives.diffusion.proposals import Debiasing, Uniform
from perspectives.diffusion.sde import SubVariancePreserving, VariancePreserving

SDE = VariancePreserving()
X = jnp.ones(2)
KEY = jax.random.key(0)


def one_number(y, s):
    return y.sum()


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda: DenoisingLoss(SDE, Uniform())(one_number, jnp.ones((3, 2)), KEY), id="training"),
        pytest.param(lambda: elbo(SDE, one_number, X, times=2, key=KEY), id="bound"),
        pytest.param(lambda: elbo(SDE, one_number, X, times=2, probed=True, key=KEY), id="probed bound"),
        pytest.param(lambda: flow_log_likelihood(SDE, one_number, X), id="likelihood"),
        pytest.param(
            lambda: sample_paths(PlugIn(SDE, one_number), X[None], jnp.ones(1), steps=2, key=KEY), id="samples"
        ),
        pytest.param(lambda: DriftScore(one_number, SDE)(X, jnp.array(0.5)), id="score of a drift"),
    ],
)
def test_a_score_of_another_shape_is_not_broadcast(use):
    with pytest.raises(ValueError, match=r"gave shape \((3,)?\) for an example of shape \((3, )?2,?\)"):
        use()


def test_debiasing_times_are_of_one_equation():
    with pytest.raises(ValueError, match="not for SubVariancePreserving"):
        Debiasing(SubVariancePreserving())


def test_counts_begin_at_one():
    score = eqx.nn.Lambda(lambda y: -y)
    plug_in = PlugIn(SDE, lambda y, s: score(y))
    with pytest.raises(ValueError, match="times = 0"):
        elbo(SDE, plug_in.score, X, times=0, key=KEY)
    with pytest.raises(ValueError, match="steps = 0"):
        sample_paths(plug_in, X[None], jnp.ones(1), steps=0, key=KEY)
    with pytest.raises(ValueError, match="layers = 0"):
        layered_bound(plug_in, X[None], layers=0, key=KEY)


def test_one_example_is_no_batch():
    with pytest.raises(ValueError, match=r"start has shape \(2,\), but must be a batch"):
        sample_paths(PlugIn(SDE, lambda y, s: -y), X, jnp.ones(1), steps=2, key=KEY)


def test_no_member_has_imaginary_noise_and_the_ode_has_no_layers():
    with pytest.raises(ValueError, match=r"lambda = 1.5 must be at most 1"):
        PlugIn(SDE, lambda y, s: -y, 1.5)
    with pytest.raises(ValueError, match="lambda = 1 is the ODE"):
        layered_bound(PlugIn(SDE, lambda y, s: -y, 1.0), X[None], layers=3, key=KEY)
