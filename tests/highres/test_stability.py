import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.highres.bounds import smallest_consistent_start
from perspectives.highres.nnag import nnag
from perspectives.highres.stability import log10_lyapunov_growth


@pytest.mark.parametrize("beta", [2.0, 10.0, 100.0])
def test_lyapunov_function_falls_from_the_start_that_the_plain_lemma_asks(beta):
    k0 = smallest_consistent_start(beta, c_is_largest=False)
    assert log10_lyapunov_growth(beta, k0, 2 * k0 + 20) <= 0


def test_lyapunov_function_explodes_from_the_start_that_theorem_5_1_asks():
    """The step beta s_k / sqrt(L) = beta / (L k^(3/4)) stays above 2 / L until k = (beta / 2)^(4/3) = 184."""
    assert log10_lyapunov_growth(100.0, smallest_consistent_start(100.0), 300) > 80


def test_growth_is_that_of_the_optax_transformation():
    """From k0 = 1 with v = x the largest eps of the transformation's run is at most the largest over all starts."""
    beta, last = 10.0, 12
    method = nnag(1.0, beta)
    x = jnp.ones(())
    state = method.init(x)
    values, t = [], 0.0
    for k in range(1, last + 1):
        t += k**-0.75
        updates, after = method.update(x, state, x)
        # v of this k is completed with the gradient at this x, inside the call
        values.append((t**2 / 8 + t * beta / 4) * float(x) ** 2 + float(jnp.asarray(after.v)) ** 2 / 2)  # pyright: ignore
        x, state = x + jnp.asarray(updates), after
    ratio = np.log10(max(values[1:]) / values[0])
    growth = log10_lyapunov_growth(beta, 1, last)
    assert ratio <= growth + 1e-3  # the half circle is sampled at 181 directions
    assert growth > 1
