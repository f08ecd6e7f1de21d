"""The network of an arm and the scales of its prior: all that is needed of it once its posteriors are trained."""

import jax
from jaxtyping import Array, Key

from perspectives.alignment.arms import CLASSES, SHAPES
from perspectives.alignment.networks import Perceptron, ResNet20, perceptron
from perspectives.alignment.priors import prior
from perspectives.alignment.settings import NetworkSettings, PosteriorSettings
from perspectives.numerics.trees import named_arrays

Network = Perceptron | ResNet20


def network(settings: NetworkSettings, *, key: Key[Array, ""]) -> Network:
    """Return the untrained network of an arm."""
    height, width, channels = SHAPES[settings.dataset]
    if settings.network == "resnet20":
        return ResNet20(settings.width, CLASSES, channels, key=key)
    return perceptron(height * width * channels, settings.width, settings.depth, CLASSES, key=key)


def prior_deviations(settings: PosteriorSettings, *, key: Key[Array, ""]) -> dict[str, float]:
    """Return the prior's standard deviation for each array of an arm's network."""
    model = jax.eval_shape(lambda key: network(settings, key=key), key)
    scales = prior(model, settings.prior, settings.prior_variance).deviation
    return {name: float(scale) for name, scale in named_arrays(scales).items()}
