"""Time guided sampling of AAV, ours against PyTorch's on a CPU; print tables.

The networks are of the released kind, their weights drawn. The published loop: 32 Euler steps of the prior, each
followed by gradient steps on the misfit of the promised end-point of 512 codes, in float32. PyTorch's networks are
written here from the same description, as the released code has them: channels first, the predictor's convolution and
linear layer one after the other. Both have the same weights, and must give the same velocities, misfits, gradients and
codes. They take turns, so that a busy machine hurts them alike; figures are medians over the rounds, compilation not
included. The second table says where the time of a gradient step goes and what its arithmetic would take at the rate of
a large product of matrices. Without PyTorch, which nothing else needs, ours are printed alone.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from perspectives.protein.autoencoders import ENCODER_CHANNELS, ConvolutionAutoencoder
from perspectives.protein.guidance import TOGETHER, FitnessMisfit, split_samples
from perspectives.protein.landscapes import scale_of
from perspectives.protein.layers import Dense
from perspectives.protein.predictors import ConvolutionPredictor
from perspectives.protein.released import LATENTS, LENGTHS
from perspectives.protein.velocities import (
    HEAD_CHANNELS,
    HEADS,
    LONGEST_PERIOD,
    WIDTH,
    Attention,
    Residual,
    RootMeanSquare,
    UNet,
)

try:
    import torch as _torch
except ModuleNotFoundError:
    _torch = None
torch: Any = _torch

TASK, STRENGTH = "aav_medium", 34.0
SIDE = 2000
"""Of the matrices whose product tells the rate of the machine."""


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--steps", type=int, default=32, help="of the prior")
    parser.add_argument("--inner", type=int, default=1, help="gradient steps after each; the published sampler has 39")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    # Pinning holds for both programs whatever each makes of its own thread settings.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    os.environ["NPROC"] = str(options.threads)
    jax.config.update("jax_platforms", "cpu")
    keys = jax.random.split(jax.random.key(0), 4)
    velocity = UNet(key=keys[0])
    autoencoder = ConvolutionAutoencoder(LENGTHS["aav"], LATENTS["aav"], key=keys[1])
    misfit = FitnessMisfit(autoencoder, ConvolutionPredictor(key=keys[2]), scale_of(TASK))
    start = jax.random.normal(keys[3], (options.samples, autoencoder.latent), jnp.float32)
    loop = {"steps": options.steps, "inner": options.inner, "strength": STRENGTH}
    ours = lambda: np.asarray(split_samples(velocity, misfit, start, **loop))  # noqa: E731
    programs: dict[str, Callable[[], Any]] = {"ours": ours}
    if torch is not None:
        torch.set_num_threads(options.threads)
        theirs = _Theirs(velocity, misfit)
        _compare(theirs, velocity, misfit, start)
        at = torch.from_numpy(np.array(start))
        programs["PyTorch"] = lambda: theirs.samples(at, **loop)
    begin = time.perf_counter()
    ours()
    compiled = time.perf_counter() - begin
    seconds = _seconds(programs, options.rounds)
    print(
        f"{options.samples} codes, {options.steps} steps of the prior with {options.inner} gradient step(s) each, "
        f"{options.threads} thread(s); load of the machine {os.getloadavg()[0]:.1f}\n"
    )
    print("| program | all (s) | a gradient step with its share of the prior (ms) | PyTorch / it |\n|---|---|---|---|")
    for name, taken in seconds.items():
        ratio = f"{seconds['PyTorch'] / taken:.2f}" if "PyTorch" in seconds else "-"
        print(f"| {name} | {taken:.2f} | {taken / options.steps / max(options.inner, 1) * 1e3:.0f} | {ratio} |")
    print(f"\nOurs was compiled, and run once, in {compiled:.1f} s.\n")
    _print_parts(velocity, misfit, start[:TOGETHER], options.rounds)
    if torch is None:
        print("\nPyTorch is not installed here; ours alone.")


def _seconds(programs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median of the time of each program, by turns, after one call of each."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for call in programs.values():
        call()
    for _ in range(rounds):
        for name, call in programs.items():
            begin = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begin)
    return {name: median(found) for name, found in times.items()}


def _blocked(program: Callable, *at: Any) -> Any:
    return jax.block_until_ready(program(*at))


def _print_parts(velocity: UNet, misfit: FitnessMisfit, z: jax.Array, rounds: int) -> None:
    """Print what the parts of a gradient step take, each compiled by itself, and the least they could take."""
    decode, predictor = misfit.autoencoder.decode, misfit.predictor
    x = jax.nn.softmax(decode(z))

    def there_and_back(function: Callable) -> Callable:
        return lambda at, cotangent: jax.vjp(function, at)[1](cotangent)

    flow = partial(velocity, t=0.5)
    programs: dict[str, tuple[Callable, tuple]] = {
        "gradient step, whole": (jax.grad(lambda codes: misfit(codes + 0.5 * flow(codes)).sum()), (z,)),
        "velocity, there and back": (there_and_back(flow), (z, z)),
        "velocity, there": (flow, (z,)),
        "decoder, there and back": (there_and_back(decode), (z, x)),
        "predictor, there and back": (jax.grad(lambda at: predictor(at).sum()), (x,)),
    }
    compiled = {name: jax.jit(function).lower(*at).compile() for name, (function, at) in programs.items()}
    square = jnp.ones((SIDE, SIDE), jnp.float32)
    product = jax.jit(lambda a: a @ a)
    calls = {name: partial(_blocked, compiled[name], *at) for name, (_, at) in programs.items()}
    seconds = _seconds({**calls, "product": partial(_blocked, product, square)}, rounds)
    rate = 2 * SIDE**3 / seconds.pop("product")
    whole_time = seconds["gradient step, whole"]
    print(f"{len(z)} codes, carried at once; a large product of matrices runs at {rate / 1e9:.0f} GFlop/s\n")
    print("| part | ms | of the whole (%) | GFlop | at that rate (ms) |\n|---|---|---|---|---|")
    for name, taken in seconds.items():
        costs: Any = compiled[name].cost_analysis()
        flops = costs["flops"]
        print(
            f"| {name} | {taken * 1e3:.1f} | {100 * taken / whole_time:.0f} | {flops / 1e9:.3f} "
            f"| {flops / rate * 1e3:.1f} |"
        )


class _Theirs:
    """The released networks in PyTorch, channels first, with our weights."""

    def __init__(self, velocity: UNet, misfit: FitnessMisfit):
        self.scale = misfit.scale
        # Modules of ours that hold PyTorch's tensors: matrices (outputs, inputs), kernels (outputs, inputs, size).
        models = velocity, misfit.autoencoder, misfit.predictor
        held: Any = jax.tree.map(lambda leaf: torch.from_numpy(np.ascontiguousarray(np.array(leaf).T)), models)
        self.unet, self.autoencoder, self.predictor = held

    def _linear(self, layer: Dense, x: Any) -> Any:
        return torch.nn.functional.linear(x, layer.weight, layer.bias)

    def _single(self, layer: Dense, x: Any) -> Any:
        return torch.nn.functional.conv1d(x, layer.weight[..., None], layer.bias)

    def _convolved(self, layer: Any, x: Any) -> Any:
        return torch.nn.functional.conv1d(x, layer.weight, layer.bias, stride=layer.stride, padding=layer.border)

    def _normalised(self, norm: RootMeanSquare, x: Any) -> Any:
        return torch.nn.functional.normalize(x, dim=1) * norm.gain[None, :, None] * x.shape[1] ** 0.5

    def _residual(self, block: Residual, x: Any, active: Any) -> Any:
        silu = torch.nn.functional.silu
        scale, shift = self._linear(block.time, active)[..., None].chunk(2, dim=1)
        h = silu(self._normalised(block.first_norm, self._convolved(block.first, x)) * (scale + 1) + shift)
        h = silu(self._normalised(block.second_norm, self._convolved(block.second, h)))
        return h + (x if block.shortcut is None else self._single(block.shortcut, x))

    def _attention(self, block: Attention, x: Any) -> Any:
        n, _, positions = x.shape
        mixed = self._single(block.mix, self._normalised(block.norm, x))
        query, key, value = (part.view(n, HEADS, HEAD_CHANNELS, positions) for part in mixed.chunk(3, dim=1))
        if block.out_norm is None:
            similarity = torch.einsum("bhdi,bhdj->bhij", query * HEAD_CHANNELS**-0.5, key)
            found = torch.einsum("bhij,bhdj->bhid", similarity.softmax(dim=-1), value)
            return x + self._single(block.out, found.transpose(2, 3).reshape(n, -1, positions))
        context = torch.einsum("bhdn,bhen->bhde", key.softmax(dim=-1), value)
        found = torch.einsum("bhde,bhdn->bhen", context, query.softmax(dim=-2) * HEAD_CHANNELS**-0.5)
        out = self._single(block.out, found.reshape(n, -1, positions))
        return x + self._normalised(block.out_norm, out)

    def velocity(self, z: Any, t: float) -> Any:
        """Return the velocity of each code."""
        functional, unet = torch.nn.functional, self.unet
        half = WIDTH // 2
        frequencies = torch.exp(-np.log(LONGEST_PERIOD) / (half - 1) * torch.arange(half))
        angles = torch.full((len(z), 1), t) * frequencies
        first, second = unet.time
        embedded = torch.cat([angles.sin(), angles.cos()], dim=-1)
        active = functional.silu(self._linear(second, functional.gelu(self._linear(first, embedded))))
        start = h = self._convolved(unet.begin, z[:, None])
        kept = []
        for level in unet.down:
            h = self._residual(level.first, h, active)
            kept.append(h)
            h = self._attention(level.attention, self._residual(level.second, h, active))
            kept.append(h)
            h = self._convolved(level.resample, h)
        before, attention, after = unet.middle
        h = self._residual(after, self._attention(attention, self._residual(before, h, active)), active)
        for number, level in enumerate(unet.up):
            h = self._residual(level.first, torch.cat([h, kept.pop()], dim=1), active)
            h = self._residual(level.second, torch.cat([h, kept.pop()], dim=1), active)
            h = self._attention(level.attention, h)
            if number < len(unet.up) - 1:
                h = functional.interpolate(h, scale_factor=2, mode="nearest")
            h = self._convolved(level.resample, h)
        return self._single(unet.end, self._residual(unet.final, torch.cat([h, start], dim=1), active))[:, 0]

    def misfit(self, z: Any) -> Any:
        """Return the misfit of each code."""
        functional, autoencoder, predictor = torch.nn.functional, self.autoencoder, self.predictor
        first, second, third = autoencoder.decoder
        h = functional.relu(self._linear(autoencoder.begin, z)).view(len(z), -1, ENCODER_CHANNELS[-1]).transpose(1, 2)
        for layer in (first, second):
            kernel = layer.weight.transpose(0, 1)  # (inputs, outputs, size)
            h = functional.conv_transpose1d(h, kernel, layer.bias, stride=2, padding=1, output_padding=1)
            h = functional.relu(h)
        h = functional.conv_transpose1d(h, third.weight.transpose(0, 1).flip(2), third.bias, padding=1)
        x = self._linear(autoencoder.out, h.transpose(1, 2)[:, : autoencoder.length]).softmax(dim=-1)
        h = self._convolved(predictor.convolution, x.transpose(1, 2)).transpose(1, 2)
        h = functional.relu(self._linear(predictor.hidden, h)).max(dim=1).values
        fitness = (self._linear(predictor.out, h)[:, 0] - self.scale.low) / (self.scale.high - self.scale.low)
        return 0.5 * (fitness - 1).square()

    def gradient(self, z: Any, left: float, t: float) -> Any:
        """Return the gradient of the misfit of the promised end-point of each code."""
        z = z.detach().requires_grad_()
        return torch.autograd.grad(self.misfit(z + left * self.velocity(z, t)).sum(), z)[0]

    def samples(self, z: Any, *, steps: int, inner: int, strength: float) -> Any:
        """Return the codes that the loop ends with."""
        for number in range(steps):
            t, left = number / steps, (steps - 1 - number) / steps
            with torch.no_grad():
                z = z + self.velocity(z, t) / steps
            for _ in range(inner):
                z = z - strength / steps * self.gradient(z, left, t)
        return z


def _compare(theirs: _Theirs, velocity: UNet, misfit: FitnessMisfit, start: jax.Array) -> None:
    """Compare velocities, misfits, gradients and a short loop. **Raises**: AssertionError when they differ."""
    z = start[:16]
    at = torch.from_numpy(np.array(z))
    loss = lambda codes: misfit(codes + 0.3 * velocity(codes, 0.6)).sum()  # noqa: E731
    loop = {"steps": 4, "inner": 2, "strength": STRENGTH}
    pairs = {
        "velocities": (velocity(z, 0.6), theirs.velocity(at, 0.6)),
        "misfits": (misfit(z), theirs.misfit(at)),
        "gradients": (jax.grad(loss)(z), theirs.gradient(at, 0.3, 0.6)),
        "codes": (split_samples(velocity, misfit, z, **loop), theirs.samples(at, **loop)),
    }
    for name, (ours, other) in pairs.items():
        # float32 sums of some hundred products in another order
        scale = float(jnp.abs(ours).max())
        np.testing.assert_allclose(np.asarray(ours), other.detach().numpy(), atol=1e-4 * scale, err_msg=name)


if __name__ == "__main__":
    main()
