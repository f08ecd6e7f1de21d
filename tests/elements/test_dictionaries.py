import jax
import numpy as np

from perspectives.elements import dictionaries
from perspectives.elements.dictionaries import key_norm_bias

QUERIES, KEYS, VALUES = (
    np.random.default_rng(seed).normal(size=shape) for seed, shape in enumerate([(5, 3), (7, 3), (7, 3)])
)
kernel_lookup, soft_lookup = jax.jit(dictionaries.kernel_lookup), jax.jit(dictionaries.soft_lookup)
attention = jax.jit(dictionaries.attention, static_argnames="scale")
FLOAT32 = 1e-6  # the softmax of JAX's attention is in float32, with logits up to 10


def test_kernel_lookup_is_nadarayas_and_watsons_ratio_of_sums():
    width = 0.8
    kernel = np.exp(-((QUERIES[:, None] - KEYS) ** 2).sum(-1) / (2 * width**2))
    expected = kernel @ VALUES / kernel.sum(1, keepdims=True)
    np.testing.assert_allclose(kernel_lookup(QUERIES, KEYS, VALUES, width), expected, atol=1e-14)  # rounding


def test_look_ups_are_attention():
    scale = 3**-0.5
    found = attention(QUERIES, KEYS, VALUES, scale, np.zeros(7))
    np.testing.assert_allclose(found, soft_lookup(QUERIES, KEYS, VALUES, 1 / scale), atol=FLOAT32)
    found = attention(QUERIES, KEYS, VALUES, 0.8**-2, jax.jit(key_norm_bias)(KEYS, 0.8))
    np.testing.assert_allclose(found, kernel_lookup(QUERIES, KEYS, VALUES, 0.8), atol=FLOAT32)


def test_keys_of_one_norm_need_no_bias_and_others_do():
    width = 0.8
    unit = KEYS / np.linalg.norm(KEYS, axis=1, keepdims=True)

    def difference(keys):
        by_kernel = kernel_lookup(QUERIES, keys, VALUES, width)
        return np.max(np.abs(by_kernel - soft_lookup(QUERIES, keys, VALUES, width**2)))

    assert difference(unit) < 1e-14
    assert difference(KEYS) > 0.1


def test_width_runs_from_the_nearest_value_to_the_mean_of_all():
    np.testing.assert_allclose(kernel_lookup(KEYS, KEYS, VALUES, 1e-3), VALUES, atol=1e-15)
    wide = kernel_lookup(QUERIES, KEYS, VALUES, 1e8)
    np.testing.assert_allclose(wide, np.broadcast_to(VALUES.mean(0), wide.shape), atol=1e-14)


def test_far_from_all_keys_a_look_up_and_its_gradient_are_finite():
    far = np.array([[1e3, 0.0, 0.0]])
    gradient = jax.jit(jax.grad(lambda keys: kernel_lookup(far, keys, VALUES, 0.1).sum()))(KEYS)
    assert np.all(np.isfinite(gradient))
