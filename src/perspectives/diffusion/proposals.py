"""Where training looks in time: distributions of s, interchangeable, each by its density and its inverse.

A loss with weight w(s) is estimated by w(s) / density(s) at a drawn s, whatever the proposal; the proposal decides how
much that fluctuates. The released code leaves the quotient out: with `Uniform` it then minimises a loss of another
weight, which is no ELBO, and with `Debiasing` the quotient is a constant but below `epsilon`.
"""

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, Key

from perspectives.diffusion.sde import END, Time, VariancePreserving


class Proposal(eqx.Module):
    """A distribution of times in [0, 1]."""

    @abstractmethod
    def density(self, s: Time) -> Float[Array, "*times"]:
        """Return the density at `s`."""

    @abstractmethod
    def quantile(self, u: Float[Array, "*times"]) -> Float[Array, "*times"]:
        """Return the time below which a share `u` of the draws lies: a draw when `u` is uniform."""


class Uniform(Proposal):
    """Every time alike."""

    def density(self, s: Time) -> Float[Array, "*times"]:
        """Return 1."""
        return jnp.ones_like(s) / END

    def quantile(self, u: Float[Array, "*times"]) -> Float[Array, "*times"]:
        """Return `u`."""
        return u * END


class Debiasing(Proposal):
    """Times in proportion to g^2 / v, which is what the ELBO weighs the released loss with; constant below `epsilon`.

    g^2 / v grows like 1 / s towards 0, which no density can; hence the truncation, and a bias that is left below it.

    **Source**: released code, `VariancePreservingTruncatedSampling`: for the VP equation g^2 / v is the derivative of
    log(exp(B) - 1), whose inverse is B = log(1 + exp(.)), and B is quadratic in s. **Departs**: the released code
    ignores beta values that it is given.
    """

    sde: VariancePreserving = VariancePreserving()
    epsilon: float = 1e-3

    def __check_init__(self) -> None:
        """Refuse another equation, whose g^2 / v has another antiderivative."""
        if type(self.sde) is not VariancePreserving:
            raise ValueError(
                f"debiasing times are known for VariancePreserving, not for {type(self.sde).__name__}; learn a "
                "proposal for it with `learned`"
            )

    def _weight(self, s: Time) -> Float[Array, "*times"]:
        return self.sde.beta(s) / self.sde.variance(s)

    def _antiderivative(self, s: Time) -> Float[Array, "*times"]:
        b = self.sde.integral(s)
        return b + jnp.log(-jnp.expm1(-b))

    @property
    def truncated_mass(self) -> Float[Array, ""]:
        """Return the part of the normalising constant that lies below `epsilon`."""
        return self.epsilon * self._weight(self.epsilon)

    @property
    def normaliser(self) -> Float[Array, ""]:
        """Return Z, the integral of the truncated g^2 / v."""
        return self.truncated_mass + self._antiderivative(END) - self._antiderivative(self.epsilon)

    def density(self, s: Time) -> Float[Array, "*times"]:
        """Return the truncated g^2 / v over Z."""
        return self._weight(jnp.maximum(s, self.epsilon)) / self.normaliser

    def distribution(self, s: Time) -> Float[Array, "*times"]:
        """Return the share of draws below `s`."""
        above = (
            self.truncated_mass
            + self._antiderivative(jnp.maximum(s, self.epsilon))
            - self._antiderivative(self.epsilon)
        )
        return jnp.where(jnp.asarray(s) < self.epsilon, s * self._weight(self.epsilon), above) / self.normaliser

    def quantile(self, u: Float[Array, "*times"]) -> Float[Array, "*times"]:
        """Return the inverse of `distribution`."""
        mass = u * self.normaliser
        b = jax.nn.softplus(mass - self.truncated_mass + self._antiderivative(self.epsilon))
        low, slope = self.sde.beta_min, self.sde.beta_max - self.sde.beta_min
        # The root of slope s^2 / 2 + low s = B, in the form that does not cancel for small B.
        above = 2 * b / (low + jnp.sqrt(low**2 + 2 * slope * b))
        return jnp.where(mass < self.truncated_mass, mass / self._weight(self.epsilon), above)


class Above(Proposal):
    """Another proposal, given that the time is at least `epsilon`, of which `below` is that proposal's share below."""

    proposal: Proposal
    epsilon: float
    below: Float[Array, ""] | float

    def density(self, s: Time) -> Float[Array, "*times"]:
        """Return the density at `s`, zero below `epsilon`."""
        return jnp.where(jnp.asarray(s) < self.epsilon, 0.0, self.proposal.density(s) / (1 - self.below))

    def quantile(self, u: Float[Array, "*times"]) -> Float[Array, "*times"]:
        """Return the time below which a share `u` of the draws lies."""
        return jnp.maximum(self.proposal.quantile(self.below + (1 - self.below) * u), self.epsilon)


PROPOSALS: Mapping[str, Proposal] = MappingProxyType({"uniform": Uniform(), "debiasing": Debiasing()})
"""Those that trainings are compared by, for the released code's equation."""


class Histogram(Proposal):
    """A proposal learnt from losses: constant on each cell of a partition of [0, 1].

    The variance of w / density * loss is least for a density in proportion to the root of the mean of (w loss)^2.
    """

    edges: Float[Array, "cells_and_one"]
    masses: Float[Array, "cells"]

    def density(self, s: Time) -> Float[Array, "*times"]:
        """Return the mass of the cell of `s` over its width."""
        cell = jnp.clip(jnp.searchsorted(self.edges, s, side="right") - 1, 0, len(self.masses) - 1)
        return self.masses[cell] / jnp.diff(self.edges)[cell]

    def quantile(self, u: Float[Array, "*times"]) -> Float[Array, "*times"]:
        """Return the inverse of the piecewise linear distribution function."""
        return jnp.interp(u, jnp.concatenate([jnp.zeros(1, self.masses.dtype), jnp.cumsum(self.masses)]), self.edges)


def learned(
    s: Float[Array, "draws"], weighted_loss: Float[Array, "draws"], density: Float[Array, "draws"], *, cells: int
) -> Histogram:
    """Return the histogram of least variance given weighted losses w(s) loss at times `s`, drawn with `density`.

    Cells have equally many draws; each mass is the width times the root of the mean of squares in it, and a tenth of
    all mass is spread evenly over the cells, so that no time is ever left out. **Raises**: ValueError with fewer draws
    than cells.
    """
    if len(s) < cells:
        raise ValueError(f"{len(s)} draws are too few for {cells} cells")
    edges = jnp.quantile(s, jnp.linspace(0, 1, cells + 1)).at[0].set(0).at[-1].set(END)
    cell = jnp.clip(jnp.searchsorted(edges, s, side="right") - 1, 0, cells - 1)
    total = jax.ops.segment_sum(jnp.square(weighted_loss) / density, cell, cells)
    count = jax.ops.segment_sum(1 / density, cell, cells)
    masses = jnp.diff(edges) * jnp.sqrt(total / count)
    return Histogram(edges, 0.9 * masses / masses.sum() + 0.1 / cells)


def independent(number: int, *, dtype: DTypeLike = jnp.float32, key: Key[Array, ""]) -> Float[Array, "number"]:
    """Return independent uniform numbers."""
    return jax.random.uniform(key, (number,), dtype)


def low_discrepancy(number: int, *, dtype: DTypeLike = jnp.float32, key: Key[Array, ""]) -> Float[Array, "number"]:
    """Return evenly spaced numbers with one random shift for all: each is uniform.

    **Source**: Kingma et al. 2021, appendix I.1 (not checked): (u + i / n) mod 1.
    """
    return (jax.random.uniform(key, (), dtype) + jnp.arange(number, dtype=dtype) / number) % 1.0
