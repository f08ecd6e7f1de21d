"""Stochastic variance-reduced gradients: the estimate that plain SVRG and NNAG+SVRG share.

SVRG is `optax.sgd(1 / (10 L))` fed with this estimate (section 5.1), NNAG+SVRG is `nnag(..., reset_every=...)` fed
with it.
"""

import jax
from jaxtyping import PyTree


def svrg_gradient(gradient: PyTree, snapshot_gradient: PyTree, full_gradient: PyTree) -> PyTree:
    """Return grad f_i(x) - grad f_i(x^) + grad f(x^), an unbiased estimate of grad f(x).

    `gradient` is grad f_i at x, `snapshot_gradient` grad f_i of the same sample or batch at the snapshot x^, and
    `full_gradient` grad f at the snapshot.

    **Source**: Johnson and Zhang 2013.
    """
    return jax.tree.map(lambda here, there, full: here - there + full, gradient, snapshot_gradient, full_gradient)
