import jax
import numpy as np
from scipy.stats import norm

from perspectives.diffusion.hierarchical import layered_bound
from perspectives.diffusion.mixtures import ExactScore, three_modes, two_modes
from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.sde import END, VariancePreserving

SDE = VariancePreserving()


def test_bound_is_the_sum_of_log_densities_of_two_chains():
    layers, key = 3, jax.random.key(0)
    plug_in = PlugIn(SDE, ExactScore(three_modes(), SDE), 0.5)
    x = three_modes().sample(4, key=jax.random.key(1))
    h, y, expected = END / layers, x, np.zeros(4)
    for k in range(layers):
        noise = jax.random.normal(jax.random.fold_in(key, k), x.shape)
        s, t = k * h, END - (k + 1) * h
        mean, deviation = y + h * SDE.drift(s, y), h**0.5 * SDE.diffusion(s)
        above = mean + deviation * noise
        decoded = above + h * jax.vmap(lambda x, t=t: plug_in.drift(t, x))(above)
        expected += norm.logpdf(y, decoded, h**0.5 * plug_in.diffusion(t)).sum(1)
        expected -= norm.logpdf(above, mean, deviation).sum(1)
        y = above
    expected += norm.logpdf(y).sum(1)
    np.testing.assert_allclose(layered_bound(plug_in, x, layers=layers, key=key), expected, rtol=1e-10)


def test_bound_is_below_the_log_density_and_rises_with_depth():
    plug_in = PlugIn(SDE, ExactScore(two_modes(), SDE))
    x = two_modes().sample(4000, key=jax.random.key(1))
    truth = jax.vmap(two_modes().log_density)(x)
    gaps = [truth - layered_bound(plug_in, x, layers=number, key=jax.random.key(2)) for number in (5, 20, 80)]
    means = [float(gap.mean()) for gap in gaps]
    assert means[0] > means[1] > means[2] > 0
    assert means[2] > 5 * float(gaps[2].std()) / 4000**0.5  # not zero by chance: some tenths of a nat
