"""The loss that is trained: scaled denoising score matching at random times, as in the released code."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, Key

from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.proposals import Proposal, independent
from perspectives.diffusion.score_matching import like, scaled_denoising_loss
from perspectives.diffusion.sde import InferenceSde, Time


class DenoisingLoss(eqx.Module):
    """The scaled denoising loss of a network for the drift a = g score, averaged over a batch.

    **Source**: released code, `PluginReverseSDE.dsm`: one time and one noise an example, |a std / g + noise|^2 / 2,
    with no weight whatever the proposal. So `Debiasing` times estimate a multiple of the negative ELBO, up to a
    constant and but for times below its `epsilon`; `Uniform` ones another loss.

    With `batched` the network takes whole batches, (n, *event) and (n,), else single examples.
    """

    sde: InferenceSde
    proposal: Proposal
    batched: bool = eqx.field(static=True, default=False)

    def __call__(
        self, drift: Callable[..., Any], batch: Float[Array, "n *event"], key: Key[Array, ""]
    ) -> Float[Array, ""]:
        """Return the loss of `drift`, fresh times and noise from `key`."""
        time_key, noise_key = jax.random.split(key)
        s = self.proposal.quantile(independent(len(batch), dtype=batch.dtype, key=time_key)).astype(batch.dtype)
        noise = jax.random.normal(noise_key, batch.shape, batch.dtype)
        y = jax.vmap(self.sde.perturbed)(s, batch, noise)
        found = like(drift(y, s) if self.batched else jax.vmap(drift)(y, s), y)

        def loss(a: Float[Array, "*event"], x: Float[Array, "*event"], s: Time, noise: Any) -> Float[Array, ""]:
            return scaled_denoising_loss(DriftScore(lambda y, s: a, self.sde), self.sde, x, s, noise)

        return jax.vmap(loss)(found, batch, s, noise).mean()
