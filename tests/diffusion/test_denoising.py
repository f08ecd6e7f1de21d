import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.denoising import DenoisingLoss
from perspectives.diffusion.networks import TimePerceptron
from perspectives.diffusion.proposals import Debiasing, Uniform
from perspectives.diffusion.sde import VariancePreserving

SDE = VariancePreserving()
PROPOSALS = [Uniform(), Debiasing(SDE)]


@pytest.mark.parametrize("proposal", PROPOSALS, ids=["uniform", "debiasing"])
def test_exact_score_of_a_normal_distribution_leaves_the_closed_form_loss(proposal):
    """Standard normal data stay so, score -y: |sqrt(v) score + noise|^2 / 2 has mean m^2 / 2 at each time."""
    x = jax.random.normal(jax.random.key(0), (1000, 100, 1))
    loss = DenoisingLoss(SDE, proposal)
    found = jax.lax.map(
        lambda now: loss(lambda y, s: -SDE.diffusion(s) * y, *now), (x, jax.random.split(jax.random.key(1), 1000))
    )
    s = (np.arange(200_000) + 0.5) / 200_000
    expected = np.mean(np.asarray(proposal.density(s) * SDE.mean_factor(s) ** 2)) / 2
    error = np.std(found, ddof=1) / len(found) ** 0.5
    assert error < 0.002, "the other proposal's expectation would be found"
    assert abs(np.mean(found) - expected) < 5 * error


def test_proposals_expect_different_losses():
    s = (np.arange(1000) + 0.5) / 1000
    means = [np.mean(np.asarray(proposal.density(s) * SDE.mean_factor(s) ** 2)) / 2 for proposal in PROPOSALS]
    assert abs(means[0] - means[1]) > 0.02  # ten times the standard error above


def test_whole_batches_and_single_examples_give_one_loss_in_float32():
    network = TimePerceptron(2, width=8, depth=2, key=jax.random.key(0))
    batch = jax.random.normal(jax.random.key(1), (16, 2), jnp.float32)
    one = DenoisingLoss(SDE, PROPOSALS[1])(network, batch, jax.random.key(2))
    whole = DenoisingLoss(SDE, PROPOSALS[1], batched=True)(jax.vmap(network), batch, jax.random.key(2))
    np.testing.assert_allclose(whole, one, rtol=1e-6)  # rounding of float32
    assert one.dtype == whole.dtype == jnp.float32
