"""Time a step of training the swiss roll's drift and a step of sampling, ours against PyTorch's on a CPU.

The network, batch and optimiser of the swiss roll study: fresh data, debiased times, noise, denoising loss, Adam and
the average of the weights, in float32; Euler and Maruyama's steps of the reverse SDE. PyTorch does the same arithmetic
from the same weights, with its fused Adam. Their losses and gradients must agree at the same times and noise. They take
turns, so that a busy machine hurts them alike; every figure is the median over the rounds, compilation not included.
Without PyTorch, which nothing else needs, ours are printed alone.
"""

import argparse
import os
import time
from collections.abc import Callable
from math import log, pi
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from perspectives.diffusion.denoising import DenoisingLoss
from perspectives.diffusion.networks import DriftScore, TimePerceptron
from perspectives.diffusion.plug_in import PlugIn, sample_paths
from perspectives.diffusion.proposals import Debiasing, independent
from perspectives.diffusion.sde import VariancePreserving
from perspectives.diffusion.swiss_roll import DEVIATION, ROUND, SCALE, sample
from perspectives.numerics.batches import Fresh
from perspectives.numerics.training import averaged, fit

try:
    import torch
except ModuleNotFoundError:
    torch = None

WIDTH, DEPTH, BATCH, RATE, DECAY = 128, 3, 256, 1e-3, 0.999
SDE = VariancePreserving()
PROPOSAL = Debiasing(SDE)


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=[256, 2000, 10_000])
    parser.add_argument("--sampling-steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    # Pinning holds for both programs whatever each makes of its own thread settings.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    os.environ["NPROC"] = str(options.threads)
    jax.config.update("jax_platforms", "cpu")
    network = TimePerceptron(2, width=WIDTH, depth=DEPTH, key=jax.random.key(0))
    print(f"Milliseconds a step, {options.threads} thread(s); load of the machine {os.getloadavg()[0]:.1f}\n")
    print("| step | PyTorch | ours | PyTorch / ours |\n|---|---|---|---|")
    programs = {"ours": _ours_training(network)}
    if torch is not None:
        _compare(network)
        programs["PyTorch"] = _their_training(network)
    print(_row(f"training, batch {BATCH}", programs, ROUND, options.rounds), flush=True)
    for samples in options.samples:
        programs = {"ours": _our_sampling(network, samples, options.sampling_steps)}
        if torch is not None:
            programs["PyTorch"] = _their_sampling(network, samples, options.sampling_steps)
        print(_row(f"sampling, {samples} at once", programs, options.sampling_steps, options.rounds), flush=True)
    if torch is None:
        print("\nPyTorch is not installed here; ours alone.")


def _row(name: str, programs: dict[str, Callable[[], object]], steps: int, rounds: int) -> str:
    times: dict[str, list[float]] = {program: [] for program in programs}
    for call in programs.values():
        call()
    for _ in range(rounds):
        for program, call in programs.items():
            begin = time.perf_counter()
            call()
            times[program].append((time.perf_counter() - begin) / steps * 1e3)
    ms = {program: median(found) for program, found in times.items()}
    theirs, ratio = (f"{ms['PyTorch']:.3f}", f"{ms['PyTorch'] / ms['ours']:.2f}") if len(ms) > 1 else ("-", "-")
    return f"| {name} | {theirs} | {ms['ours']:.3f} | {ratio} |"


def _ours_training(network: TimePerceptron) -> Callable[[], object]:
    optimiser, loss = averaged(optax.adam(RATE), DECAY), DenoisingLoss(SDE, PROPOSAL)
    return lambda: fit(network, loss, Fresh(sample, BATCH, ROUND), optimiser, steps=ROUND, key=jax.random.key(1))


def _our_sampling(network: TimePerceptron, samples: int, steps: int) -> Callable[[], object]:
    plug_in = PlugIn(SDE, DriftScore(network, SDE))
    start = jax.random.normal(jax.random.key(2), (samples, 2), jnp.float32)
    end = jnp.ones(1, jnp.float32)
    return lambda: np.asarray(sample_paths(plug_in, start, end, steps=steps, key=jax.random.key(3)))


def _translated(network: TimePerceptron) -> tuple[list, Callable]:
    """Return PyTorch's parameters, ours in value and order, and its drift of points and times."""
    assert torch is not None
    parameters = [torch.from_numpy(np.array(leaf)).requires_grad_() for leaf in jax.tree.leaves(network)]
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    linear, silu = torch.nn.functional.linear, torch.nn.functional.silu
    cat = torch.cat

    def drift(y: Any, s: Any) -> Any:
        x = cat([y, s], dim=1)
        for weight, bias in layers[:-1]:
            x = silu(linear(x, weight, bias))
        return linear(x, *layers[-1])

    return parameters, drift


def _integral(s: Any) -> Any:
    return SDE.beta_min * s + 0.5 * (SDE.beta_max - SDE.beta_min) * s**2


def _their_loss(drift: Callable, x: Any, s: Any, noise: Any) -> Any:
    b = _integral(s)
    deviation = (-(-b).expm1()).sqrt()
    y = (-0.5 * b).exp() * x + deviation * noise
    g = (SDE.beta_min + (SDE.beta_max - SDE.beta_min) * s).sqrt()
    return 0.5 * (deviation * drift(y, s) / g + noise).square().sum(1).mean()


def _their_training(network: TimePerceptron) -> Callable[[], None]:
    assert torch is not None
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    parameters, drift = _translated(network)
    averages = [parameter.detach().clone() for parameter in parameters]
    optimiser = torch.optim.Adam(parameters, lr=RATE, fused=True)
    rand, randn, no_grad, lerp = torch.rand, torch.randn, torch.no_grad, getattr(torch, "_foreach_lerp_")  # noqa: B009
    stack, where, softplus = torch.stack, torch.where, torch.nn.functional.softplus
    # The numbers of the inverse distribution function, once; then as in `Debiasing.quantile`.
    normaliser, truncated = float(PROPOSAL.normaliser), float(PROPOSAL.truncated_mass)
    slope, low = SDE.beta_max - SDE.beta_min, SDE.beta_min
    at_epsilon = float(_integral(PROPOSAL.epsilon))
    offset = at_epsilon + log(-np.expm1(-at_epsilon)) - truncated
    weight = truncated / PROPOSAL.epsilon

    def run() -> None:
        for _ in range(ROUND):
            t = 1.5 * pi * (1 + 2 * rand(BATCH))
            x = stack([t * t.cos(), t * t.sin()], dim=1) / SCALE + DEVIATION * randn(BATCH, 2)
            mass = rand(BATCH, 1) * normaliser
            b = softplus(mass + offset)
            s = where(mass < truncated, mass / weight, 2 * b / (low + (low**2 + 2 * slope * b).sqrt()))
            optimiser.zero_grad()
            _their_loss(drift, x, s, randn(BATCH, 2)).backward()
            optimiser.step()
            with no_grad():
                lerp(averages, parameters, 1 - DECAY)

    return run


def _their_sampling(network: TimePerceptron, samples: int, steps: int) -> Callable[[], object]:
    assert torch is not None
    _, drift = _translated(network)
    randn, full, no_grad = torch.randn, torch.full, torch.no_grad
    h = 1 / steps

    def run() -> object:
        with no_grad():
            x = randn(samples, 2)
            for number in range(steps):
                s = 1 - number * h
                beta = SDE.beta_min + (SDE.beta_max - SDE.beta_min) * s
                a = drift(x, full((samples, 1), s))
                x = x + h * (beta**0.5 * a + 0.5 * beta * x) + (h * beta) ** 0.5 * randn(samples, 2)
            return x

    return run


def _compare(network: TimePerceptron) -> None:
    """Compare losses and gradients at our data, times and noise. **Raises**: AssertionError when they differ."""
    assert torch is not None
    batch, key = sample(BATCH, key=jax.random.key(4)), jax.random.key(5)
    value, gradient = jax.jit(jax.value_and_grad(DenoisingLoss(SDE, PROPOSAL)))(network, batch, key)
    time_key, noise_key = jax.random.split(key)
    s = PROPOSAL.quantile(independent(BATCH, key=time_key))
    noise = jax.random.normal(noise_key, batch.shape, batch.dtype)
    parameters, drift = _translated(network)
    x, times, normal = (torch.from_numpy(np.array(array)) for array in (batch, s[:, None], noise))
    found = _their_loss(drift, x, times, normal)
    found.backward()
    # float32 sums of some hundred products in another order
    np.testing.assert_allclose(found.item(), float(value), rtol=1e-5)
    for ours, theirs in zip(jax.tree.leaves(gradient), parameters, strict=True):
        np.testing.assert_allclose(theirs.grad.numpy(), ours, atol=1e-4 * float(jnp.abs(ours).max()))


if __name__ == "__main__":
    main()
