"""Generate images from what two proposals of times trained."""

import jax
import jax.numpy as jnp

from perspectives.diffusion.bits import from_logit
from perspectives.diffusion.images import SDE, restored, score_of
from perspectives.diffusion.plug_in import PlugIn, sample_paths
from perspectives.diffusion.settings import DatasetName, ImageSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.images import read_split
from perspectives.workbench.step import Input, Output


def sample_images(
    *,
    settings: ImageSettings,
    dataset: DatasetName,
    seed: int,
    files: list[Input],
    uniform: Input,
    debiasing: Input,
    samples: Output,
) -> None:
    """Save samples of the reverse SDE with the averaged weights, from the same noise, beside images of the test set."""
    _, test = read_split(dataset, files, seed=seed, train_images=1, test_images=settings.samples)
    shape = test.images.shape[1:]
    start_key, noise_key = jax.random.split(stream(seed, f"diffusion/images/{dataset}/samples"))
    start = SDE.prior_sample(jnp.zeros((settings.samples, *shape), jnp.float32), key=start_key)
    groups = {"data": {"images": test.images}}
    for name, weights in (("uniform", uniform), ("debiasing", debiasing)):
        plug_in = PlugIn(SDE, score_of(restored(settings, shape, read_groups(weights)["averaged"])))
        found = sample_paths(plug_in, start, jnp.ones(1, jnp.float32), steps=settings.sampling_steps, key=noise_key)
        groups[name] = {"images": jax.device_get(from_logit(found[-1]))}
    write_groups(samples, groups)
