"""Time a step of fitting a mean-field posterior or a point estimate, ours against PyTorch's on a CPU; print a table.

Perceptrons of 28 x 28 pixels in float32, the local reparameterisation with noise for each example, Adam with a cosine
schedule; shuffling and gathering of the batches included, compilation not: its seconds stand apart. PyTorch does the
same arithmetic, with its fused Adam, the fastest of its three. Both programs start from the same weights. Without noise
their losses and gradients must agree, with it the means of their losses. They take turns, so that a busy machine hurts
them alike; every figure is the median over the rounds. Without PyTorch, which nothing else needs, ours are printed
alone.
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

from perspectives.alignment.arms import CLASSES, PRIOR_VARIANCE
from perspectives.alignment.networks import perceptron
from perspectives.alignment.posterior import MeanField, initial
from perspectives.alignment.priors import prior
from perspectives.alignment.variational import NegativeElbo, NegativeLogPosterior
from perspectives.numerics.batches import Epochs
from perspectives.numerics.training import fit

try:
    import torch
except ModuleNotFoundError:
    torch = None

SHAPE, TRAIN_IMAGES = (28, 28, 1), 60_000
BATCH, RATE, DEVIATION, SCHEDULE = 500, 2e-3, 0.02, 10_000
BATCHES = 20
"""Of a round: fewer than an epoch has, with a share of the start of each call that is as small."""
NOISELESS = -20.0
"""A log-deviation whose noise, 2e-9 times the length of an input, is below a rounding of float32."""


class Problem(NamedTuple):
    """What both programs are given: our start and loss, the data."""

    start: Any
    loss: Any
    data: tuple[jax.Array, jax.Array]


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 128, 256, 512])
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    # Pinning holds for both programs whatever each makes of its own thread settings.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    os.environ["NPROC"] = str(options.threads)
    jax.config.update("jax_platforms", "cpu")
    print(f"Milliseconds a step, {options.threads} thread(s); load of the machine {os.getloadavg()[0]:.1f}\n")
    members = f"a member of {options.members}, in turn"
    columns = ["network", "inference", "PyTorch", "ours", "ours / PyTorch", "compiled in (s)", members, "together"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for width in options.widths:
        for inference in ("vi", "map"):
            print(_row(width, options.depth, inference, options.members, options.rounds), flush=True)
    if torch is None:
        print("\nPyTorch is not installed here; ours alone.")


def _row(width: int, depth: int, inference: str, members: int, rounds: int) -> str:
    images, labels = jax.random.split(jax.random.key(0))
    data = (
        jax.random.normal(images, (BATCHES * BATCH, *SHAPE), jnp.float32),
        jax.random.randint(labels, (BATCHES * BATCH,), 0, CLASSES),
    )

    def problem(keys: jax.Array) -> Problem:
        make = eqx.filter_jit(lambda key: perceptron(int(np.prod(SHAPE)), width, depth, CLASSES, key=key))
        model = (eqx.filter_vmap(make) if keys.ndim else make)(keys)
        belief = prior(make(jax.random.key(1)), "fan_in", PRIOR_VARIANCE)
        weight = jnp.asarray(1 / TRAIN_IMAGES, jnp.float32)
        if inference == "map":
            return Problem(model, NegativeLogPosterior(belief, weight), data)
        return Problem(initial(model, belief, DEVIATION), NegativeElbo(belief, weight), data)

    one, several = jax.random.key(1), jax.random.split(jax.random.key(1), members)
    programs = {
        "ours": _ours(problem(one), one, together=False),
        "in turn": _ours(problem(several), several, together=False),
        "together": _ours(problem(several), several, together=True),
    }
    if torch is not None:
        programs["PyTorch"] = _theirs(problem(one))
    times = {program: [] for program in programs}
    first = {program: _seconds(call) for program, call in programs.items()}
    for _ in range(rounds):
        for program, call in programs.items():
            times[program].append(_seconds(call) / BATCHES * 1e3)
    ms = {program: median(found) for program, found in times.items()}
    theirs, ratio = (f"{ms['PyTorch']:.2f}", f"{ms['ours'] / ms['PyTorch']:.2f}") if torch is not None else ("-", "-")
    compiled = first["ours"] - ms["ours"] * BATCHES / 1e3
    a_member = " | ".join(f"{ms[program] / members:.2f}" for program in ("in turn", "together"))
    network = "-".join(map(str, (int(np.prod(SHAPE)), *[width] * depth, CLASSES)))
    return f"| {network} | {inference} | {theirs} | {ms['ours']:.2f} | {ratio} | {compiled:.1f} | {a_member} |"


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _ours(problem: Problem, keys: jax.Array, *, together: bool) -> Callable[[], object]:
    batches, optimiser = Epochs(problem.data, BATCH), optax.adam(optax.cosine_decay_schedule(RATE, SCHEDULE))
    return lambda: fit(
        problem.start, problem.loss, batches, optimiser, steps=batches.steps, together=together, key=keys
    )


def _theirs(problem: Problem) -> Callable[[], None]:
    """Return PyTorch's round, from our weights. **Raises**: AssertionError when the programs differ."""
    assert torch is not None
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    images = torch.from_numpy(np.array(problem.data[0])).flatten(1)
    labels = torch.from_numpy(np.array(problem.data[1])).long()
    parameters, loss = _translated(problem)
    _compare(problem, images[:BATCH], labels[:BATCH])
    shuffled = torch.randperm
    optimiser = torch.optim.Adam(parameters, lr=RATE, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, SCHEDULE)

    def epoch() -> None:
        for rows in shuffled(len(labels)).split(BATCH):
            optimiser.zero_grad()
            loss(images[rows], labels[rows]).backward()
            optimiser.step()
            schedule.step()

    return epoch


def _translated(problem: Problem) -> tuple[list, Callable]:
    """Return PyTorch's parameters, ours in value and order, and its loss of images and labels."""
    assert torch is not None
    linear, relu, cross_entropy = (getattr(torch.nn.functional, name) for name in ("linear", "relu", "cross_entropy"))
    normal_like = torch.randn_like
    parameters = [torch.from_numpy(np.array(leaf)).requires_grad_() for leaf in jax.tree.leaves(problem.start)]
    variational = isinstance(problem.start, MeanField)
    half = len(parameters) // 2 if variational else len(parameters)
    means, log_deviations = parameters[:half], parameters[half:]
    layers = list(zip(means[::2], means[1::2], strict=True))
    scales = [(PRIOR_VARIANCE / (mean.shape[1] if mean.ndim > 1 else 1)) ** 0.5 for mean in means]
    log_scales = [float(np.log(scale)) for scale in scales]

    def point(x, labels):
        for number, (weight, bias) in enumerate(layers):
            x = linear(relu(x) if number else x, weight, bias)
        penalty = sum((mean**2).sum() / (2 * scale**2) for mean, scale in zip(means, scales, strict=True))
        return cross_entropy(x, labels) + penalty / TRAIN_IMAGES

    def elbo(x, labels):
        deviations = [log.exp() for log in log_deviations]
        for number, (weight, bias) in enumerate(layers):
            x = relu(x) if number else x
            mean = linear(x, weight, bias)
            variance = linear(x**2, deviations[2 * number] ** 2, deviations[2 * number + 1] ** 2)
            x = mean + variance.sqrt() * normal_like(mean)
        divergence = sum(
            (log_scale - log + (s**2 + mean**2) / (2 * scale**2) - 0.5).sum()
            for mean, s, log, scale, log_scale in zip(
                means, deviations, log_deviations, scales, log_scales, strict=True
            )
        )
        return cross_entropy(x, labels) + divergence / TRAIN_IMAGES

    return parameters, elbo if variational else point


def _compare(problem: Problem, images: Any, labels: Any) -> None:
    assert torch is not None
    batch = problem.data[0][:BATCH], problem.data[1][:BATCH]
    posterior = isinstance(problem.start, MeanField)
    start = problem.start
    if posterior:
        start = eqx.tree_at(
            lambda p: p.log_deviation, start, jax.tree.map(lambda s: jnp.full_like(s, NOISELESS), start.log_deviation)
        )
    value, gradient = eqx.filter_jit(eqx.filter_value_and_grad(problem.loss))(start, batch, jax.random.key(2))
    parameters, loss = _translated(problem._replace(start=start))
    found = loss(images, labels)
    found.backward()
    # float32 sums of some hundred products in another order
    np.testing.assert_allclose(found.item(), float(value), rtol=1e-5)
    means = jax.tree.leaves(gradient.mean if posterior else gradient)
    for ours, theirs in zip(means, parameters, strict=False):
        np.testing.assert_allclose(theirs.grad.numpy(), ours, atol=1e-4 * float(jnp.abs(ours).max()))
    if posterior:
        _, loss = _translated(problem)
        keys = jax.random.split(jax.random.key(3), 100)
        ours = np.asarray(eqx.filter_jit(_losses)(problem.loss, problem.start, batch, keys))
        with torch.no_grad():
            theirs = np.array([loss(images, labels).item() for _ in range(len(keys))])
        error = np.hypot(ours.std(), theirs.std()) / len(keys) ** 0.5
        # five standard errors
        np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=5 * error)


def _losses(loss: Any, start: Any, batch: Any, keys: jax.Array) -> jax.Array:
    return jax.lax.map(lambda key: loss(start, batch, key), keys)


if __name__ == "__main__":
    main()
