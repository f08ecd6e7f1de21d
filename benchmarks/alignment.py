"""Time the alignment of two networks against the published layerwise matching; print tables.

Each makes one start: from the identity as published, or as `match` makes its first. Every time is the best of
several rounds in which the two programs take turns, so that a busy machine hurts them alike; columns are means over
pairs. The objective is the squared W2 distance after alignment, of means only or of means and deviations. Assignment is
the time that threads spent in our exact solver, its prices included, as a share of all CPU time; SciPy's part of it
stands behind.

BLAS is used as the environment says. OPENBLAS_NUM_THREADS=1 is the fair setting for a workflow that runs a job a core:
then nothing but our concurrent assignments uses a second core.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.optimize
from reference.weight_matching import weight_matching

from perspectives.alignment import assignment as solver
from perspectives.alignment import matching
from perspectives.alignment.entropic import losses
from perspectives.alignment.features import Divergence, value
from perspectives.alignment.gaussians import Gaussians, permuted
from perspectives.alignment.permutations import Factor, Permutations, Symmetries, drawn, identity

THREADS = os.cpu_count() or 1


class Pair(NamedTuple):
    """Two posteriors of one network."""

    first: Gaussians
    second: Gaussians


class Run(NamedTuple):
    """What one alignment took and reached."""

    wall: float
    cpu: float
    solves: float
    objective: float
    assignment: float
    scipy: float


def perceptron(sizes: list[int]) -> Symmetries:
    """Return the symmetries of a perceptron with weights (out, in) and biases."""
    layers = [Factor(f"h{number}" if 0 < number < len(sizes) - 1 else None, size) for number, size in enumerate(sizes)]
    axes = {}
    for number, (before, after) in enumerate(zip(layers, layers[1:], strict=False)):
        axes[f"w{number}"], axes[f"b{number}"] = ((after,), (before,)), ((after,),)
    return Symmetries(axes)


def posterior(symmetries: Symmetries, generator: np.random.Generator) -> Gaussians:
    """Return a posterior with He-distributed means and deviations that vary by a factor of a few."""
    mean, deviation = {}, {}
    for name, axes in symmetries.axes.items():
        shape = tuple(axis[0].size for axis in axes)
        scale = np.sqrt(2 / shape[-1]) if len(shape) == 2 else 0.01
        mean[name] = (scale * generator.normal(size=shape)).astype(np.float32)
        deviation[name] = (0.3 * scale * np.exp(0.5 * generator.normal(size=shape))).astype(np.float32)
    return Gaussians(mean, deviation)


def independent(symmetries: Symmetries, generator: np.random.Generator) -> Pair:
    """Return two posteriors that have nothing to do with each other."""
    return Pair(posterior(symmetries, generator), posterior(symmetries, generator))


def related(symmetries: Symmetries, generator: np.random.Generator) -> Pair:
    """Return a posterior and a reordered one of which a third of the variance is shared, as after two trainings."""
    first, other = independent(symmetries, generator)
    mixed = Gaussians(
        {name: (mean + np.sqrt(2) * other.mean[name]) / np.float32(np.sqrt(3)) for name, mean in first.mean.items()},
        {
            name: s ** np.float32(0.58) * other.deviation[name] ** np.float32(0.42)
            for name, s in first.deviation.items()
        },
    )
    mixed = Gaussians({name: mean.astype(np.float32) for name, mean in mixed.mean.items()}, mixed.deviation)
    return Pair(first, permuted(mixed, drawn(symmetries, generator), symmetries))


KINDS: dict[str, Callable[[Symmetries, np.random.Generator], Pair]] = {"independent": independent, "related": related}


class Stopwatch:
    """Wraps functions and adds up the CPU time that threads spend in them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, function: Callable) -> Callable:
        """Return `function`, timed."""

        def timed(*arguments, **options):
            start = time.thread_time()
            result = function(*arguments, **options)
            self.seconds += time.thread_time() - start
            return result

        return timed


def published(pair: Pair, symmetries: Symmetries, divergence: Divergence, seed: int) -> Run:
    """Run the published algorithm, on weights (in, out) as its own networks have them."""
    kinds = {"mean": ("mean",), "w2": ("mean", "deviation")}[divergence]
    labels = {
        (kind, name): tuple(axis[0].group for axis in axes)[::-1]
        for kind in kinds
        for name, axes in symmetries.axes.items()
    }
    first, second = (
        {(kind, name): np.ascontiguousarray(getattr(one, kind)[name].T) for kind, name in labels} for one in pair
    )
    watch = Stopwatch()
    wall, cpu = time.perf_counter(), time.process_time()
    permutations, solves = weight_matching(labels, first, second, seed, watch(scipy.optimize.linear_sum_assignment))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    objective = value(*pair, symmetries, divergence, permutations)
    return Run(wall, cpu, solves, objective, watch.seconds, watch.seconds)


def ours(
    pair: Pair,
    symmetries: Symmetries,
    divergence: Divergence,
    seed: int,
    restarts: int = 1,
    start: Permutations | None = None,
) -> Run:
    """Run our aligner; its time includes the objectives before and after, which the other's does not."""
    whole, inner = Stopwatch(), Stopwatch()
    kept = matching.assignment, solver.linear_sum_assignment
    matching.assignment, solver.linear_sum_assignment = whole(kept[0]), inner(kept[1])
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        found = matching.match(
            *pair, symmetries, divergence=divergence, restarts=restarts, seed=seed, start=start, threads=THREADS
        )
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    finally:
        matching.assignment, solver.linear_sum_assignment = kept
    return Run(wall, cpu, found.solves, found.objective, whole.seconds, inner.seconds)


def from_identity(pair: Pair, symmetries: Symmetries, divergence: Divergence, seed: int) -> Run:
    """Run our aligner from where the published algorithm starts."""
    return ours(pair, symmetries, divergence, seed, start=identity(symmetries))


PROGRAMS = {"published": published, "ours, from identity": from_identity, "ours": ours}


def compared(kind: str, sizes: list[int], divergence: Divergence, pairs: int, rounds: int) -> dict[str, Run]:
    """Return the runs of each program, the best of `rounds` and the mean over `pairs`."""
    symmetries = perceptron(sizes)
    best = []
    for number in range(pairs):
        pair = KINDS[kind](symmetries, np.random.default_rng(number))
        runs = [[run(pair, symmetries, divergence, number) for run in PROGRAMS.values()] for _ in range(rounds)]
        best.append(np.min(np.asarray(runs), axis=0))
    return {name: Run(*row) for name, row in zip(PROGRAMS, np.mean(best, axis=0), strict=True)}


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of log seconds over log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--widths", type=int, nargs="*", default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--members", type=int, default=5, help="largest number of models aligned pair by pair")
    options = parser.parse_args()
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "as many")
    print(
        f"MLP 784-512-512-512-10, float32, {options.pairs} pairs, {os.cpu_count()} cores, BLAS threads {threads}, best "
        f"of {options.rounds}, load {os.getloadavg()[0]:.1f}\n"
    )
    _print_head("pairs", "divergence")
    for kind in KINDS:
        for divergence in ("mean", "w2"):
            runs = compared(kind, [784, 512, 512, 512, 10], divergence, options.pairs, options.rounds)
            _print_rows(f"{kind} | {divergence}", runs)
    if options.widths:
        _print_widths(options.widths, options.rounds)
    if options.members > 1:
        _print_members(options.members)
    _print_entropic()


def _print_head(*columns: str) -> None:
    columns += (
        "program",
        "wall (ms)",
        "CPU (ms)",
        "solves",
        "objective",
        "wall x",
        "CPU x",
        "assignment (% CPU)",
        "SciPy (% CPU)",
    )
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")


def _print_rows(cells: str, runs: dict[str, Run]) -> None:
    """Print a row for each program; x is how many times less than the published one it takes."""
    theirs = runs["published"]
    for name, run in runs.items():
        print(
            f"| {cells} | {name} | {1e3 * run.wall:.0f} | {1e3 * run.cpu:.0f} | {run.solves:.1f} | {run.objective:.1f} "
            f"| {theirs.wall / run.wall:.1f} | {theirs.cpu / run.cpu:.1f} "
            f"| {100 * run.assignment / run.cpu:.0f} | {100 * run.scipy / run.cpu:.0f} |",
            flush=True,
        )


def _print_widths(widths: list[int], rounds: int) -> None:
    """Print the time of one independent W2 alignment of two hidden layers at each width; one round where it is long."""
    print("\nTwo hidden layers, 784-n-n-10, independent pairs, W2, one start\n")
    _print_head("width")
    rows = []
    for width in widths:
        rows.append(compared("independent", [784, width, width, 10], "w2", 1, rounds if width <= 512 else 1))
        _print_rows(str(width), rows[-1])
    if len(widths) > 1:
        slopes = [f"{name} {exponent(widths, [row[name].cpu for row in rows]):.2f}" for name in PROGRAMS]
        print(f"\nFitted exponents of CPU time in width: {'; '.join(slopes)}.")


def _print_members(members: int) -> None:
    """Print the time to align all pairs among a number of models of width 256, in turn."""
    print("\nAll pairs among models 784-256-256-10, W2, five starts a pair, one after the other\n")
    print("| models | pairs | ours: wall (s) | wall a pair (s) |\n|---|---|---|---|")
    symmetries, generator = perceptron([784, 256, 256, 10]), np.random.default_rng(0)
    models = [posterior(symmetries, generator) for _ in range(members)]
    counts, seconds = [], []
    for count in range(2, members + 1):
        pairs = [Pair(models[i], models[j]) for i in range(count) for j in range(i)]
        total = sum(ours(pair, symmetries, "w2", 0, restarts=5).wall for pair in pairs)
        counts.append(len(pairs))
        seconds.append(total)
        print(f"| {count} | {len(pairs)} | {total:.3f} | {total / len(pairs):.3f} |", flush=True)
    if members > 2:
        print(f"\nFitted exponent of wall time in the number of pairs: {exponent(counts, seconds):.2f}.")


def _print_entropic() -> None:
    """Print what entropic transport loses on the gains of two independent layers of 256 units."""
    generator = np.random.default_rng(0)
    gains = generator.normal(size=(256, 784)) @ generator.normal(size=(784, 256)) / 28
    print("\nEntropic transport on one block, n = 256, gains of unit variance\n")
    print("| epsilon | plan: excess a unit | bound epsilon log n | rounded: gain lost | iterations | seconds |")
    print("|---" * 6 + "|")
    for epsilon in (1.0, 0.3, 0.1, 0.03):
        start = time.perf_counter()
        (loss,) = losses(gains, [epsilon], tolerance=1e-3, max_iterations=5000)
        seconds = time.perf_counter() - start
        converged = "" if loss.converged else " (not converged)"
        print(
            f"| {epsilon} | {loss.plan:.4f} | {epsilon * np.log(256):.4f} | {loss.rounded:.2%} "
            f"| {loss.iterations}{converged} | {seconds:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
