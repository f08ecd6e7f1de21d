"""Time a training step and a sampling step of the U-Net, ours against PyTorch's on a CPU; print a table.

The MNIST configuration of the released code at 16 x 16 pixels, where attention is at the top too, float32, batches of
16. A training step is Adam's on the released denoising loss, a sampling step one of Euler and Maruyama's. PyTorch's
network is written here from the same description, with channels last in memory or first, whichever is asked for, its
fused Adam and its group normalisation. Both start from the same weights: given the same times and noise, outputs,
losses and all gradients must agree. They take turns, so that a busy machine hurts them alike; figures are medians over
the rounds, wall time and processor time of all threads. Ours are compiled first: those seconds stand apart, without a
cache. Without PyTorch, which nothing else needs, ours are printed alone.
"""

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from perspectives.diffusion.denoising import DenoisingLoss
from perspectives.diffusion.images import PROPOSALS, SDE, drift_network, image_loss, score_of
from perspectives.diffusion.plug_in import PlugIn, sample_paths
from perspectives.diffusion.settings import Cifar10Settings
from perspectives.diffusion.unet import (
    FLOOR,
    GROUPS,
    Attention,
    Convolution,
    Dense,
    GroupNorm,
    Residual,
    UNet,
    embedded,
)
from perspectives.numerics.batches import Epochs
from perspectives.numerics.training import State, averaged, prepared, train_steps

try:
    import torch as _torch
except ModuleNotFoundError:
    _torch = None
torch: Any = _torch

RATE = 1e-4


class Seconds(NamedTuple):
    """Of a step: on the clock, and of all processors."""

    wall: float
    processor: float


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--height", type=int, default=16)
    parser.add_argument("--image-channels", type=int, default=1)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--multipliers", type=int, nargs="+", default=[1, 2, 2])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--channels-first", action="store_true", help="PyTorch's memory format")
    parser.add_argument("--only", choices=["training", "sampling"])
    parser.add_argument("--costs", action="store_true", help="of a step on CIFAR-10 in the paper preset, and no times")
    options = parser.parse_args()
    # Pinning holds for both programs whatever each makes of its own thread settings.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    os.environ["NPROC"] = str(options.threads)
    jax.config.update("jax_platforms", "cpu")
    if options.costs:
        _print_costs()
        return
    shape = (options.batch, options.height, options.height, options.image_channels)
    network = eqx.filter_jit(UNet)(
        options.height,
        options.image_channels,
        channels=options.channels,
        multipliers=tuple(options.multipliers),
        key=jax.random.key(0),
    )
    network = _awake(network)
    print(f"Batch {shape}, {options.threads} thread(s); load of the machine {os.getloadavg()[0]:.1f}\n", flush=True)
    if torch is not None:
        torch.set_num_threads(options.threads)
        _compare(network, shape, options.channels_first)
        print("Outputs, losses and gradients of both programs agree.\n")
    columns = [
        "step",
        "PyTorch (ms)",
        "ours (ms)",
        "ours / PyTorch",
        "range",
        "processor (ms)",
        "ratio",
        "compiled (s)",
    ]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name, ours, theirs in (
        ("training", _our_training, _their_training),
        ("sampling", _our_sampling, _their_sampling),
    ):
        if options.only in (None, name):
            ours = ours(network, shape, options.steps)
            theirs = theirs(network, shape, options.steps, options.channels_first) if torch is not None else None
            print(_row(name, ours, theirs, options.steps, options.rounds), flush=True)
    if torch is None:
        print("\nPyTorch is not installed here; ours alone.")


def _print_costs() -> None:
    """Print what XLA counts of a training step on CIFAR-10: operations as written, bytes and memory as compiled."""
    settings = Cifar10Settings()

    def step(state: Any, images: jax.Array, key: jax.Array) -> Any:
        training, _ = prepared(network, loss, Epochs(images, len(images)), optimiser, None, None, seeds=False)
        return training.step(state, (jnp.arange(len(images)), key), None, None)

    network = jax.eval_shape(lambda: drift_network(settings, (32, 32, 3), key=jax.random.key(0)))
    loss, optimiser = image_loss(settings, "cifar-10", "debiasing"), averaged(optax.adam(RATE), settings.average)
    state = State(network, jax.eval_shape(optimiser.init, network))
    images = jax.ShapeDtypeStruct((settings.batch, 32, 32, 3), jnp.float32)
    begin = time.perf_counter()
    lowered = jax.jit(step, donate_argnums=0).lower(state, images, jax.eval_shape(lambda: jax.random.key(0)))
    counted: Any = lowered.cost_analysis()
    print(f"Floating-point operations as written: {counted['flops']:.4g}", flush=True)
    compiled = lowered.compile()
    cost: Any = compiled.cost_analysis()
    memory: Any = compiled.memory_analysis()
    print(f"As compiled for this CPU: {cost['flops']:.4g}, bytes accessed {cost['bytes accessed']:.4g}")
    print(f"Bytes of arguments {memory.argument_size_in_bytes:.4g}, of temporaries {memory.temp_size_in_bytes:.4g}")
    print(f"Traced and compiled in {time.perf_counter() - begin:.0f} s")


def _row(
    name: str, ours: tuple[Callable[[], object], float], theirs: Callable[[], object] | None, steps: int, rounds: int
) -> str:
    call, compiled = ours
    found: list[tuple[Seconds, Seconds]] = []
    _seconds(call, steps)
    if theirs is not None:
        _seconds(theirs, steps)
    for _ in range(rounds):
        mine = _seconds(call, steps)
        found.append((mine, _seconds(theirs, steps) if theirs is not None else mine))
    wall, processor = (
        [[getattr(seconds, kind) * 1e3 for seconds in pair] for pair in found] for kind in ("wall", "processor")
    )
    mine, other = (median(pair[side] for pair in wall) for side in (0, 1))
    my_time, other_time = (median(pair[side] for pair in processor) for side in (0, 1))
    if theirs is None:
        return f"| {name} | - | {mine:.0f} | - | - | {my_time:.0f} | - | {compiled:.0f} |"
    ratios = sorted(pair[0] / pair[1] for pair in wall)
    of_processor = sorted(pair[0] / pair[1] for pair in processor)
    return (
        f"| {name} | {other:.0f} | {mine:.0f} | {median(ratios):.2f} | {ratios[0]:.2f} - {ratios[-1]:.2f} "
        f"| {other_time:.0f}, {my_time:.0f} | {median(of_processor):.2f} | {compiled:.0f} |"
    )


def _seconds(call: Callable[[], object], steps: int) -> Seconds:
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return Seconds((time.perf_counter() - wall) / steps, (time.process_time() - processor) / steps)


def _awake(network: UNet) -> UNet:
    """Return the network with no weight near zero: one whose last layers are zero has next to no gradients."""
    leaves, structure = jax.tree.flatten(network)
    keys = jax.random.split(jax.random.key(7), len(leaves))
    moved = [
        leaf + jax.random.normal(k, leaf.shape, leaf.dtype) * 0.5 / max(1, leaf.size // leaf.shape[-1]) ** 0.5
        for leaf, k in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(structure, moved)


# --- Ours


def _our_training(network: UNet, shape: tuple[int, ...], steps: int) -> tuple[Callable[[], object], float]:
    """Return a round of steps as `fit` takes them one by one, and the seconds it took to compile a step."""
    images = jax.random.normal(jax.random.key(1), (4 * shape[0], *shape[1:]), jnp.float32)
    loss = DenoisingLoss(SDE, PROPOSALS["debiasing"], batched=True)
    training, state = prepared(network, loss, Epochs(images, shape[0]), optax.adam(RATE), None, None, seeds=False)

    drawn = training.draw(jax.random.key(2), jnp.asarray(0))
    kept = [jax.tree.map(jnp.copy, state)]
    numbers = [number % training.batches.steps for number in range(steps)]

    def call() -> None:
        kept[0], losses = train_steps(training, drawn, numbers, kept[0])
        jax.block_until_ready(losses)

    begin = time.perf_counter()
    kept[0], _ = jax.block_until_ready(train_steps(training, drawn, [0], kept[0]))
    return call, time.perf_counter() - begin


def _our_sampling(network: UNet, shape: tuple[int, ...], steps: int) -> tuple[Callable[[], object], float]:
    plug_in = PlugIn(SDE, score_of(network))
    start = jax.random.normal(jax.random.key(3), shape, jnp.float32)
    times = jnp.ones(1, jnp.float32)

    def call() -> None:
        jax.block_until_ready(sample_paths(plug_in, start, times, steps=steps, key=jax.random.key(4)))

    begin = time.perf_counter()
    call()
    return call, time.perf_counter() - begin


# --- PyTorch's, from our weights


class _Theirs:
    """The same network with PyTorch's functions; its parameters are ours, in ours' order."""

    def __init__(self, network: UNet, channels_first: bool):
        self.network, self.first = network, channels_first
        self.of: dict[int, Any] = {}
        self.parameters = []
        for leaf in jax.tree.leaves(network):
            array = torch.from_numpy(np.array(leaf))
            if array.ndim == 4:
                array = array.permute(3, 2, 0, 1).contiguous()
                array = array if channels_first else array.contiguous(memory_format=torch.channels_last)
            elif array.ndim == 2:
                array = array.T.contiguous()
            self.parameters.append(array.requires_grad_())
            self.of[id(leaf)] = self.parameters[-1]

    def as_ours(self, array: Any) -> Any:
        """Return an array of a parameter's shape as we order its axes."""
        array = array.detach()
        return (array.permute(2, 3, 1, 0) if array.ndim == 4 else array.T if array.ndim == 2 else array).numpy()

    def dense(self, layer: Dense, x: Any) -> Any:
        return torch.nn.functional.linear(x, self.of[id(layer.weight)], self.of[id(layer.bias)])

    def pointwise(self, layer: Dense, x: Any) -> Any:
        return torch.nn.functional.conv2d(x, self.of[id(layer.weight)][:, :, None, None], self.of[id(layer.bias)])

    def convolution(self, layer: Convolution, x: Any) -> Any:
        weight, bias = self.of[id(layer.weight)], self.of[id(layer.bias)]
        return torch.nn.functional.conv2d(x, weight, bias, stride=layer.stride, padding=1)

    def norm(self, layer: GroupNorm, x: Any) -> Any:
        gain, offset = self.of[id(layer.gain)], self.of[id(layer.offset)]
        return torch.nn.functional.group_norm(x, GROUPS, gain, offset, FLOOR)

    def residual(self, block: Residual, x: Any, active: Any) -> Any:
        swish = torch.nn.functional.silu
        h = self.convolution(block.first, swish(self.norm(block.first_norm, x)))
        h = h + self.dense(block.time, active)[:, :, None, None]
        h = self.convolution(block.second, swish(self.norm(block.second_norm, h)))
        return (x if block.shortcut is None else self.pointwise(block.shortcut, x)) + h

    def attention(self, layer: Attention | None, x: Any) -> Any:
        if layer is None:
            return x
        n, channels, height, width = x.shape
        h = self.norm(layer.norm, x)
        query, key, value = (
            self.pointwise(part, h).reshape(n, channels, height * width)
            for part in (layer.query, layer.key, layer.value)
        )
        weights = torch.softmax(torch.bmm(query.transpose(1, 2), key) * channels**-0.5, -1)
        found = torch.bmm(value, weights.transpose(1, 2)).reshape(n, channels, height, width)
        return x + self.pointwise(layer.out, found)

    def __call__(self, y: Any, s: Any) -> Any:
        """Return the drift; images channels second."""
        network, swish = self.network, torch.nn.functional.silu
        if not self.first:
            y = y.contiguous(memory_format=torch.channels_last)
        first, second = network.embedding
        half = first.weight.shape[0] // 2
        angles = s[:, None] * torch.exp(-np.log(1e4) / (half - 1) * torch.arange(half, dtype=torch.float32))
        embedding = torch.cat([angles.sin(), angles.cos()], 1)
        active = swish(self.dense(second, swish(self.dense(first, embedding))))
        kept = [self.convolution(network.begin, y)]
        for level in network.down:
            for block, attention in zip(level.blocks, level.attentions, strict=True):
                kept.append(self.attention(attention, self.residual(block, kept[-1], active)))
            if level.resample is not None:
                kept.append(self.convolution(level.resample, kept[-1]))
        before, attention, after = network.middle
        h = self.residual(after, self.attention(attention, self.residual(before, kept[-1], active)), active)
        for level in network.up:
            for block, attention in zip(level.blocks, level.attentions, strict=True):
                h = self.attention(attention, self.residual(block, torch.cat([h, kept.pop()], 1), active))
            if level.resample is not None:
                h = self.convolution(level.resample, torch.nn.functional.interpolate(h, scale_factor=2, mode="nearest"))
        return self.convolution(network.end, swish(self.norm(network.norm, h)))


def _variance(s: Any) -> Any:
    return -torch.expm1(-(0.1 * s + 9.95 * s**2))


def _their_loss(theirs: _Theirs, x: Any, s: Any, noise: Any) -> Any:
    """Return |a std / g + noise|^2 / 2, averaged over the batch."""
    column = s[:, None, None, None]
    variance, diffusion = _variance(column), torch.sqrt(0.1 + 19.9 * column)
    a = theirs(torch.sqrt(1 - variance) * x + torch.sqrt(variance) * noise, s)
    return 0.5 * (a * torch.sqrt(variance) / diffusion + noise).square().flatten(1).sum(1).mean()


def _first_channels(images: jax.Array) -> Any:
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).contiguous()


def _compare(network: UNet, shape: tuple[int, ...], channels_first: bool) -> None:
    """Compare outputs, losses and gradients. **Raises**: AssertionError when the programs differ."""
    x, noise = jax.random.normal(jax.random.key(5), (2, *shape), jnp.float32)
    s = jnp.linspace(0.02, 0.98, shape[0], dtype=jnp.float32)

    def loss(network: UNet) -> jax.Array:
        y = jax.vmap(SDE.perturbed)(s, x, noise)
        scale = jnp.sqrt(SDE.variance(s)) / SDE.diffusion(s)
        return 0.5 * jnp.square(network(y, s) * scale[:, None, None, None] + noise).sum((1, 2, 3)).mean()

    value, gradient = eqx.filter_jit(eqx.filter_value_and_grad(loss))(network)
    theirs = _Theirs(network, channels_first)
    times = torch.from_numpy(np.array(s))
    with torch.no_grad():
        found = theirs(_first_channels(x), times).permute(0, 2, 3, 1).numpy()
    ours = np.asarray(eqx.filter_jit(network)(x, s))
    np.testing.assert_allclose(embedded(s, 32)[:, :16], np.sin(np.outer(s, 1e4 ** -(np.arange(16) / 15))), atol=1e-6)
    np.testing.assert_allclose(found, ours, atol=1e-4 * np.abs(ours).max())  # float32 through some forty layers
    their_value = _their_loss(theirs, _first_channels(x), times, _first_channels(noise))
    their_value.backward()
    np.testing.assert_allclose(their_value.item(), float(value), rtol=1e-5)
    for ours, parameter in zip(jax.tree.leaves(gradient), theirs.parameters, strict=True):
        # Of a key's offset the gradient is zero but for rounding: hence the largest of all gradients' scale.
        np.testing.assert_allclose(
            theirs.as_ours(parameter.grad), ours, atol=2e-4 * max(float(jnp.abs(ours).max()), 1e-2)
        )


def _their_training(network: UNet, shape: tuple[int, ...], steps: int, channels_first: bool) -> Callable[[], object]:
    theirs = _Theirs(network, channels_first)
    optimiser = torch.optim.Adam(theirs.parameters, lr=RATE, fused=True)
    images = _first_channels(jax.random.normal(jax.random.key(1), (4 * shape[0], *shape[1:]), jnp.float32))

    def call() -> None:
        for rows in torch.randint(len(images), (steps, shape[0])):
            x = images[rows]
            s, noise = torch.rand(len(x)), torch.randn_like(x)
            optimiser.zero_grad()
            _their_loss(theirs, x, s, noise).backward()
            optimiser.step()

    return call


def _their_sampling(network: UNet, shape: tuple[int, ...], steps: int, channels_first: bool) -> Callable[[], object]:
    theirs = _Theirs(network, channels_first)
    start = _first_channels(jax.random.normal(jax.random.key(3), shape, jnp.float32))

    @torch.no_grad()
    def call() -> None:
        x = start
        for number in range(steps):
            s = torch.full((len(x),), 1 - number / steps)
            beta = 0.1 + 19.9 * float(s[0])
            drift = beta**0.5 * theirs(x, s) + 0.5 * beta * x
            x = x + drift / steps + (beta / steps) ** 0.5 * torch.randn_like(x)

    return call


if __name__ == "__main__":
    main()
