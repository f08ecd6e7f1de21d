"""A mean-field Gaussian posterior over any Equinox model, and the model with noise in its layers, not its weights."""

from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.priors import Prior
from perspectives.numerics.trees import named_arrays

Model = TypeVar("Model", bound=eqx.Module)


class MeanField(eqx.Module, Generic[Model]):
    """Independent Gaussians over all inexact arrays of a model: means are a model, log-deviations shaped like one.

    The logarithm keeps deviations positive and lets the optimiser change them by factors.
    """

    mean: Model
    log_deviation: PyTree[Float[Array, "..."]]

    @property
    def deviation(self) -> PyTree[Float[Array, "..."]]:
        """The standard deviations, in the shape of the model, with nothing where it has no inexact array."""
        return jax.tree.map(jnp.exp, self.log_deviation)

    def gaussians(self) -> Gaussians:
        """Return the posterior as plain arrays by name."""
        return Gaussians(named_arrays(self.mean), named_arrays(_exponentials(self.log_deviation)))


@jax.jit
def _exponentials(tree: PyTree) -> PyTree:
    return jax.tree.map(jnp.exp, tree)


def initial(model: Model, prior: Prior, deviation: float) -> MeanField[Model]:
    """Return the posterior around `model` whose deviations are `deviation`, or half the prior's where that is less.

    **Raises**: ValueError for a deviation that is not above zero.
    """
    if not deviation > 0:
        raise ValueError(f"initial deviations must be above 0, got {deviation}")

    def log_deviation(array: Float[Array, "..."], prior: Float[Array, ""]) -> Float[Array, "..."]:
        return jnp.full(array.shape, jnp.log(jnp.minimum(deviation, prior / 2)), array.dtype)

    arrays = eqx.filter(model, eqx.is_inexact_array)
    return MeanField(model, jax.tree.map(log_deviation, arrays, prior.deviation))


def perturbed(posterior: MeanField[Model], *, shared: Key[Array, ""], key: Key[Array, ""]) -> Model:
    """Return the model as one example sees it in one stochastic pass; `key` is the example's, `shared` the batch's.

    Linear layers draw their outputs instead of their weights (`LocalLinear`). Convolutions share one draw of their
    kernel among the batch, with signs of its deviations flipped anew for each example (`FlipoutConvolution`). All other
    arrays, the scales of a normalisation for example, are drawn for each example. So the gradients of the examples of a
    batch are nearly independent, and their mean has little variance.
    """
    is_layer = _is_layer

    def one(index: int, mean: Any, deviation: Any) -> Any:
        if not (is_layer(mean) or eqx.is_inexact_array(mean)):
            return mean
        own = jax.random.fold_in(key, index)
        if isinstance(mean, eqx.nn.Linear):
            return LocalLinear(mean, deviation, own)
        if isinstance(mean, eqx.nn.Conv):
            return FlipoutConvolution(mean, deviation, jax.random.fold_in(shared, index), own)
        return mean + deviation * jax.random.normal(own, mean.shape, mean.dtype)

    means, structure = jax.tree.flatten(posterior.mean, is_leaf=is_layer)
    deviations = structure.flatten_up_to(posterior.deviation)
    return jax.tree.unflatten(structure, [one(i, m, s) for i, (m, s) in enumerate(zip(means, deviations, strict=True))])


def _is_layer(node: Any) -> bool:
    # A layer from or to a scalar has arrays of its own kind, which are drawn as they are.
    scalar = isinstance(node, eqx.nn.Linear) and "scalar" in (node.in_features, node.out_features)
    return isinstance(node, eqx.nn.Linear | eqx.nn.Conv) and not scalar


class _OutputNoise(eqx.Module):
    """A layer whose noise is in its output: it has no weights of its own to be read."""

    @property
    def weight(self) -> Any:
        """Refuse. **Raises**: TypeError, always."""
        raise TypeError(
            f"the model reads the weight of a layer, a {type(self).__name__} here, instead of calling the layer: noise "
            "is drawn in its output. Keep such a weight in the model as an array of its own, and it is drawn itself."
        )


class LocalLinear(_OutputNoise):
    """An affine layer that draws its output: by the local reparameterisation.

    **Source**: Kingma, Salimans and Welling 2015, (6): W x + b is Gaussian with mean M x + m and variance S^2 x^2 + s^2
    when all entries of W and b are independent Gaussians. Exact where a layer is used once an example. A layer that
    an example passes several times, a projection of all tokens say, gets the same noise each time: outputs then are
    more alike than under one draw of the weights.
    """

    mean: eqx.nn.Linear
    deviation: eqx.nn.Linear
    key: Key[Array, ""]

    def __call__(self, x: Float[Array, "features"], *, key: Any = None) -> Float[Array, "out"]:
        """Return one draw of the layer's output."""
        mean = self.mean(x)
        variance = self.deviation.weight**2 @ x**2
        if self.deviation.bias is not None:
            variance += self.deviation.bias**2
        # A layer without bias whose inputs are all zero has no variance, and the root no derivative there.
        spread = jnp.sqrt(variance + jnp.finfo(variance.dtype).tiny)
        return mean + spread * jax.random.normal(self.key, mean.shape, mean.dtype)


class FlipoutConvolution(_OutputNoise):
    """A convolution whose kernel's deviations are one draw for the batch, with random signs for each example.

    **Source**: Wen et al. 2018, (4) and section 3.2: y = mean(x) + r (K' * (x s)) with K' = deviation times a standard
    Gaussian draw shared by the batch, and signs r of output and s of input channels, fresh for each example. Unbiased,
    since a kernel entry's sign r_i s_j leaves a centred symmetric distribution unchanged.
    **Departs**: the bias is drawn for each example, which is as cheap.
    """

    mean: eqx.nn.Conv
    deviation: eqx.nn.Conv
    shared: Key[Array, ""]
    key: Key[Array, ""]

    def __call__(self, x: Float[Array, "channels ..."], *, key: Any = None) -> Float[Array, "out ..."]:
        """Return one draw of the layer's output."""
        weight, spatial = self.mean.weight, (1,) * (x.ndim - 1)
        drawn = self.deviation.weight * jax.random.normal(self.shared, weight.shape, weight.dtype)
        kernel = eqx.tree_at(lambda layer: layer.weight, self.mean, drawn)
        if self.mean.bias is not None:
            kernel = eqx.tree_at(lambda layer: layer.bias, kernel, jnp.zeros_like(self.mean.bias))
        sign_in, sign_out, bias = jax.random.split(self.key, 3)
        flipped = x * _signs(sign_in, x.shape[0], x.dtype).reshape(-1, *spatial)
        noise = kernel(flipped) * _signs(sign_out, weight.shape[0], x.dtype).reshape(-1, *spatial)
        if self.deviation.bias is not None:
            noise += self.deviation.bias * jax.random.normal(bias, self.deviation.bias.shape, x.dtype)
        return self.mean(x) + noise


def _signs(key: Key[Array, ""], count: int, dtype: Any) -> Float[Array, "count"]:
    return jax.random.rademacher(key, (count,), dtype)
