"""Time the seven methods of Fig. 1b, all seeds at once, against NumPy doing the same arithmetic; print a table.

One epoch of 2000 iterations with 20 losses logged, float64, random numbers included, compilation not. Every figure is
the best of several rounds in which the three programs take turns, so that a busy machine hurts them alike.
"""

import argparse
import os
import time
from collections.abc import Sequence

import jax
import numpy as np
from reference import race_numpy

from perspectives.highres.race import RaceProblem, race, race_problem
from perspectives.highres.schemes import Method, finite_sum_methods, gaussian_methods

SAMPLES, DIMENSIONS, ITERATIONS, LOGS = 1000, 10, 2000, 20


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    problem, top, bottom = problem_and_methods(options.seeds)
    rows, starts = np.asarray(problem.rows), np.asarray(problem.starts)
    panels = {
        "full gradient + noise": ([m for m in top if m.name in race_numpy.GAUSSIAN], []),
        "one sample": ([], [m for m in bottom if m.name in race_numpy.FINITE_SUM]),
    }
    panels["all seven"] = tuple(a + b for a, b in zip(*panels.values(), strict=True))  # pyright: ignore

    def theirs(gaussian, finite_sum, *, vectorised):
        generator = np.random.default_rng(0)
        every = ITERATIONS // LOGS
        for start in [starts] if vectorised else starts:
            noise = generator.normal(size=(ITERATIONS, 2, *start.shape)) if gaussian else None
            for method in gaussian:
                race_numpy.gaussian(method.name, rows, start, noise, every)
            for method in finite_sum:
                samples = generator.integers(0, method.pool, size=(ITERATIONS, *start.shape[:-1]))
                race_numpy.finite_sum(method.name, rows, start, samples, every)

    print(
        f"{options.seeds} seeds, {ITERATIONS} iterations, {os.cpu_count()} cores, float64, best of {options.rounds}\n"
    )
    print("| methods | NumPy, loop over seeds (s) | NumPy, seeds at once (s) | ours (s) | x loop | x at once |")
    print("|---|---|---|---|---|---|")
    seconds = {}
    for name, panel in panels.items():
        programs = {
            "loop": lambda panel=panel: theirs(*panel, vectorised=False),
            "once": lambda panel=panel: theirs(*panel, vectorised=True),
            "ours": lambda panel=panel: ours(problem, *panel),
        }
        programs["ours"]()  # compiles
        best = dict.fromkeys(programs, np.inf)
        for _ in range(options.rounds):
            for program, run in programs.items():
                best[program] = min(best[program], _seconds(run))
        seconds[name] = best["ours"]
        ratios = f"{best['loop'] / best['ours']:.1f} | {best['once'] / best['ours']:.2f}"
        print(f"| {name} | {best['loop']:.3f} | {best['once']:.3f} | {best['ours']:.3f} | {ratios} |")
    _print_floor(options.seeds, seconds["full gradient + noise"], rows)


def problem_and_methods(seeds: int) -> tuple[RaceProblem, list[Method], list[Method]]:
    """Return the problem with so many starts, and the methods of the upper and the lower panel."""
    problem = race_problem(samples=SAMPLES, dimensions=DIMENSIONS, seeds=seeds, key=jax.random.key(0))
    smoothness = float(problem.row_smoothness)
    top = gaussian_methods("code", smoothness=smoothness, iterations=ITERATIONS, samples=SAMPLES)
    bottom = finite_sum_methods(
        "code",
        smoothness=smoothness,
        iterations=ITERATIONS,
        per_epoch=ITERATIONS,
        samples=SAMPLES,
        dimensions=DIMENSIONS,
    )
    return problem, list(top), list(bottom)


def ours(problem: RaceProblem, gaussian: Sequence[Method], finite_sum: Sequence[Method]) -> None:
    """Run an epoch of the methods from all starts."""
    for curve in race(
        problem,
        tuple(gaussian),
        tuple(finite_sum),
        iterations_per_epoch=ITERATIONS,
        logs_per_epoch=LOGS,
        same_sample=True,
        groups=2,
        key=jax.random.key(1),
    ):
        assert np.all(np.isfinite(curve))


def _seconds(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _print_floor(seeds: int, ours: float, rows: np.ndarray) -> None:
    """Print what matrix products and exponentials alone take, at the throughput of NumPy's single operations."""
    x = np.random.default_rng(0).normal(size=(3 * seeds, DIMENSIONS))
    margins = x @ rows.T
    out = np.empty_like(margins)
    product, back, exponential = (
        min(_seconds(lambda operation=operation: [operation() for _ in range(20)]) for _ in range(100)) / 20
        for operation in (
            lambda: np.matmul(x, rows.T, out=out),
            lambda: margins @ rows,
            lambda: np.exp(margins, out=out),
        )
    )
    flops = 2 * margins.size * DIMENSIONS
    cores = os.cpu_count() or 1
    floor = ITERATIONS * (product + back + exponential / cores)
    print(
        f"\nFloor of the full gradients: {2 * flops * ITERATIONS / 1e9:.1f} GFlop in two products "
        f"({flops / product / 1e9:.0f} and {flops / back / 1e9:.0f} GFlop/s measured, on all cores), and "
        f"{margins.size * ITERATIONS / 1e6:.0f} million exponentials ({exponential / margins.size * 1e9:.2f} ns each "
        f"on one core, {cores} cores): {floor:.3f} s. Ours takes {ours / floor:.1f} times that."
    )


if __name__ == "__main__":
    main()
