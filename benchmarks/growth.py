"""Measure how time and memory grow with what a user may make larger; print a table, and where one machine gives up.

Each size runs in a process of its own, on one thread; its memory is what it has at most, less what it had when all was
imported and made. Times are of the second
call, so that nothing is compiled in them; only planning, which compiles nothing, is timed as a user waits for it. The
exponents are slopes of logarithms over the last three doublings. One machine gives up, by this table, where one such
computation takes longer than a day or more than 16 GiB, extrapolated by these exponents from the largest size.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
DAY, MEMORY = 86_400, 16 * 1024
"""Seconds, and MB."""


class Cost(NamedTuple):
    """Of one computation of some size, which may have come out larger or smaller than it was asked for."""

    size: float
    seconds: float
    megabytes: float


def _most(whose: int = resource.RUSAGE_SELF) -> float:
    return resource.getrusage(whose).ru_maxrss / 1024


def _second_call(program: Callable[[], Any], size: int) -> Cost:
    before = _most()
    program()
    begin = time.perf_counter()
    program()
    return Cost(size, time.perf_counter() - begin, _most() - before)


def width(size: int) -> Cost:
    """Return the cost of aligning two posteriors of 784-n-n-10 by W2, one start."""
    import alignment  # this folder's, whose networks and posteriors it has

    symmetries = alignment.perceptron([784, size, size, 10])
    pair = alignment.independent(symmetries, np.random.default_rng(0))
    return _second_call(lambda: alignment.ours(pair, symmetries, "w2", 0), size)


def pairs(size: int) -> Cost:
    """Return the cost of aligning n pairs of posteriors of 784-256-256-10 by W2 one after the other, five starts."""
    import alignment

    symmetries = alignment.perceptron([784, 256, 256, 10])

    def program() -> None:
        for number in range(size):
            pair = alignment.independent(symmetries, np.random.default_rng(number))
            alignment.ours(pair, symmetries, "w2", 0, restarts=5)

    return _second_call(program, size)


def nodes(size: int) -> Cost:
    """Return the cost of smoothing fitness on a graph of n sequences of 28 residues."""
    import smoothing

    before = _most()
    graph, solve, peak = smoothing.measured(size)
    return Cost(size, graph + solve, peak - before)


def codes(size: int) -> Cost:
    """Return the cost of eight gradient steps of guided sampling of n codes; the published sampler has 1248."""
    import jax
    from guidance import STRENGTH, TASK

    from perspectives.protein.autoencoders import ConvolutionAutoencoder
    from perspectives.protein.guidance import FitnessMisfit, split_samples
    from perspectives.protein.landscapes import scale_of
    from perspectives.protein.predictors import ConvolutionPredictor
    from perspectives.protein.released import LATENTS, LENGTHS
    from perspectives.protein.velocities import UNet

    keys = jax.random.split(jax.random.key(0), 4)
    autoencoder = ConvolutionAutoencoder(LENGTHS["aav"], LATENTS["aav"], key=keys[1])
    misfit = FitnessMisfit(autoencoder, ConvolutionPredictor(key=keys[2]), scale_of(TASK))
    start = jax.random.normal(keys[3], (size, autoencoder.latent), "float32")
    velocity = UNet(key=keys[0])
    return _second_call(
        lambda: np.asarray(split_samples(velocity, misfit, start, steps=8, inner=1, strength=STRENGTH)), size
    )


def seeds(size: int) -> Cost:
    """Return the cost of one epoch of the seven methods of Fig. 1b, 2000 iterations, from n seeds in float64."""
    import jax
    import race

    jax.config.update("jax_enable_x64", True)
    problem, above, below = race.problem_and_methods(size)
    return _second_call(lambda: race.ours(problem, above, below), size)


def jobs(size: int) -> Cost:
    """Return what planning takes where nothing has run; n is how many posteriors of each arm of the digits are paired.

    The size of the cost is the number of jobs; the memory is all that Snakemake has.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), folder], check=True)
        Path(folder, "config.yaml").write_text(json.dumps({"alignment": {"digits": {"members": size}}}))
        command = [sys.executable, "-m", "snakemake", "-n"]
        begin = time.perf_counter()
        plan = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - begin
    counted = re.search(r"^total\s+(\d+)", plan.stdout + plan.stderr, re.MULTILINE)
    assert counted, "Snakemake printed no total"
    return Cost(int(counted[1]), seconds, _most(resource.RUSAGE_CHILDREN))


class Axis(NamedTuple):
    """What is made larger, its sizes, and how often one run repeats what is measured."""

    cost: Callable[[int], Cost]
    what: str
    sizes: tuple[int, ...]
    repeats: int = 1


AXES = (
    Axis(width, "units of a hidden layer: one alignment", (256, 512, 1024, 2048, 4096)),
    Axis(pairs, "pairs of posteriors, in turn", (4, 8, 16, 32)),
    Axis(nodes, "nodes of the protein graph: smoothing", (4000, 8000, 16_000, 32_000, 64_000)),
    Axis(codes, "designs of one guided sampling", (64, 128, 256, 512, 1024), 1248 // 8),
    Axis(seeds, "seeds of Fig. 1b, an epoch of 2000 iterations", (20, 40, 80, 160, 320)),
    Axis(jobs, "jobs of the workflow: planning", (8, 16, 24, 34, 48)),
)


def main() -> None:
    """Measure and print; with `--one`, one size as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [axis.cost.__name__ for axis in AXES]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--doublings", type=int, help="fewer than all, for a look")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, size = options.one
        print(json.dumps(AXES[names.index(name)].cost(int(size))))
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    os.environ |= {"NPROC": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    print(f"One thread; load of the machine {os.getloadavg()[0]:.1f}\n")
    print("| what grows | sizes | seconds | MB | time grows with the power | memory | one machine gives up at |")
    print("|---|---|---|---|---|---|---|")
    for axis in AXES:
        if axis.cost.__name__ in options.only:
            _print_row(axis, axis.sizes[: options.doublings and options.doublings + 1])


def _print_row(axis: Axis, sizes: tuple[int, ...]) -> None:
    command = [sys.executable, __file__, "--one", axis.cost.__name__]
    costs = np.asarray(
        [
            json.loads(subprocess.run([*command, str(size)], check=True, stdout=subprocess.PIPE, text=True).stdout)
            for size in sizes
        ]
    )
    reached, *columns = costs.T
    texts, powers, ends = [], [], []
    for column, factor, limit in zip(columns, (axis.repeats, 1), (DAY, MEMORY), strict=True):
        power = np.polyfit(np.log(reached[-4:]), np.log(column[-4:]), 1)[0]
        texts.append(", ".join(f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in column))
        powers.append(f"{power:.2f}")
        ends.append(reached[-1] * (limit / (factor * column[-1])) ** (1 / power) if power > 0.1 else np.inf)
    first = int(np.argmin(ends))
    end = "none in sight" if np.isinf(ends[first]) else f"{_rounded(ends[first])} ({('a day', '16 GiB')[first]})"
    cells = (axis.what, ", ".join(f"{size:.0f}" for size in reached), *texts, *powers, end)
    print(f"| {' | '.join(cells)} |", flush=True)


def _rounded(value: float) -> str:
    """Return a large number in two digits: it is an extrapolation."""
    unit = 10 ** max(ceil(np.log10(value)) - 2, 0)
    return f"{round(value / unit) * unit:,}"


if __name__ == "__main__":
    main()
