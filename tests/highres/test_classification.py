import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.highres.arms import MIXTURE_A, MIXTURE_C
from perspectives.highres.classification import METHODS, Accuracy, classifier, cross_entropy


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)], ids=str)
def test_an_untrained_network_is_as_good_as_guessing(shape):
    net = eqx.filter_jit(classifier)(shape, key=jax.random.key(0))
    images = jax.random.uniform(jax.random.key(1), (256, *shape), jnp.float32, -1, 1)
    labels = jnp.arange(256) % 10
    loss = eqx.filter_jit(cross_entropy)(net, (images, labels), jax.random.key(2))
    # log 10 exactly for equal logits; the initial logits spread by about 0.1
    np.testing.assert_allclose(loss, math.log(10), atol=0.05)


def test_a_square_is_asked_for():
    with pytest.raises(ValueError, match="square images, got 28 x 32"):
        classifier((28, 32, 1), key=jax.random.key(0))


def test_accuracy_counts_right_labels_over_blocks_and_their_rest():
    images = jnp.eye(10, dtype=jnp.float32)[jnp.arange(25) % 10]
    labels = (jnp.arange(25) % 10).at[jnp.array([0, 24])].add(1)  # one wrong in the first block, one in the rest
    accuracy = Accuracy(images[:, None, :, None], labels, block=10)
    assert float(accuracy(lambda images: images.reshape(-1, 10))) == pytest.approx(23 / 25)


def test_the_released_mixture_is_a_scheme_with_constant_coefficients():
    """Reset at each batch, NNAG+SVRG is v - c a g, (x + 2 v - c a g) / 3: no step ever shrinks.

    The first call alone moves v by c^2 / 2 more, from the time c at which the released class starts.
    """
    update = METHODS["nnag_svrg"].optimiser(22)
    x = v = jnp.array([1.0, -2.0])
    state = update.init(x)
    ours = x
    for k in range(30):
        gradient = jnp.sin(ours + k)
        step, state = update.update(gradient, state, ours)
        ours = ours + jnp.asarray(step)
        v = v - (MIXTURE_C * MIXTURE_A + (MIXTURE_C**2 / 2 if k == 0 else 0)) * gradient
        x = (x + 2 * v - MIXTURE_C * MIXTURE_A * gradient) / 3
    np.testing.assert_allclose(ours, x, atol=1e-14)  # rounding of 30 steps of order one


def test_reset_each_epoch_comes_after_as_many_batches_as_an_epoch_has():
    gradient = jnp.ones(2)
    for batches in (3, 5):
        update = METHODS["nnag_svrg_epoch_reset"].optimiser(batches)
        state, times = update.init(gradient), []
        for _ in range(2 * batches + 1):
            _, state = update.update(gradient, state, gradient)
            times.append(float(state.t))  # pyright: ignore[reportAttributeAccessIssue]
        falls = [k for k in range(1, len(times)) if times[k] < times[k - 1]]
        assert falls == [batches, 2 * batches]
