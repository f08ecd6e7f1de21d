"""Time smoothing on graphs of AAV-like sequences, and measure its memory; print a table and what it grows to.

Nodes are random substitutions of random doubly mutated sequences of 28 residues, so that the graph is as the study's
is. Each size runs in a process of its own, whose peak is then that size's. The exponent is the slope of the logarithms
over the three largest sizes; what it says of the published 250,000 nodes is an extrapolation, and called so.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from math import log

import numpy as np

from perspectives.protein.settings import SmoothingSettings
from perspectives.protein.smoothing import adjacency, graph_nodes, nearest_nodes, neighbour_count, normalised, solved

LENGTH, BASE = 28, 2000
PUBLISHED = 250_000


def main() -> None:
    """Measure and print; with `--nodes`, one size as a row of numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[4000, 8000, 16_000, 32_000, 64_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--nodes", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.nodes:
        print(*measured(options.nodes))
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    print(f"{options.threads} thread(s); load of the machine {os.getloadavg()[0]:.1f}\n")
    print("| nodes | neighbours | graph (s) | solve (s) | peak (MB) |\n|---|---|---|---|---|")
    rows = []
    for nodes in options.sizes:
        command = [sys.executable, __file__, "--nodes", str(nodes)]
        graph, solve, peak = map(
            float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        )
        rows.append((graph + solve, peak))
        print(f"| {nodes} | {neighbour_count(nodes)} | {graph:.2f} | {solve:.2f} | {peak:.0f} |", flush=True)
    if len(rows) < 3:
        return
    sizes = np.log(options.sizes[-3:])
    for name, values in zip(("time (s)", "peak (MB)"), np.log(rows[-3:]).T, strict=True):
        slope, level = np.polyfit(sizes, values, 1)
        print(
            f"\n{name}: grows with the power {slope:.2f}; {np.exp(level + slope * log(PUBLISHED)):.0f} at {PUBLISHED}"
        )


def measured(number: int) -> tuple[float, float, float]:
    """Return the seconds of making and of solving, and the megabytes of this process at its largest."""
    generator = np.random.default_rng(0)
    wild_type = generator.integers(20, size=LENGTH)
    base = np.where(
        generator.random((BASE, LENGTH)) < 2 / LENGTH, generator.integers(20, size=(BASE, LENGTH)), wild_type
    )
    nodes = graph_nodes(base.astype(np.uint8), number, generator=generator)
    fitness = (nodes != wild_type).sum(1) + generator.normal(size=len(nodes))
    begin = time.perf_counter()
    graph = normalised(adjacency(nodes, nearest_nodes(nodes, neighbour_count(len(nodes)))))
    middle = time.perf_counter()
    solved(graph, fitness, SmoothingSettings(nodes=number))
    end = time.perf_counter()
    return middle - begin, end - middle, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
