"""Time a training step of Fig. 2's networks in our loop against PyTorch's on a CPU; print a table.

Batches of 64, float32, plain SGD, shuffling and gathering of the batches included, compilation not. Both start from the
same weights, and their first losses must agree. The programs take turns, so that a busy machine hurts them alike; every
figure is the median over the rounds. Without PyTorch, which nothing else needs, ours are printed alone.
"""

import argparse
import os
import time
from statistics import median

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from perspectives.highres.classification import classifier, cross_entropy
from perspectives.numerics.batches import Epochs
from perspectives.numerics.training import fit

try:
    import torch
except ModuleNotFoundError:
    torch = None

BATCH, RATE = 64, 0.01
NETWORKS = {
    "perceptron 64-120-84-10, digits": ((8, 8, 1), 22),
    "LeNet, 28 x 28 x 1": ((28, 28, 1), 5),
    "LeNet, 32 x 32 x 3": ((32, 32, 3), 5),
}
"""Name -> shape of the images, batches timed at once."""


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    # Pinning holds for both programs whatever each makes of its own thread settings.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    os.environ["NPROC"] = str(options.threads)
    jax.config.update("jax_platforms", "cpu")
    print(f"Milliseconds a step, {options.threads} thread(s); load of the machine {os.getloadavg()[0]:.1f}\n")
    columns = ["network", "PyTorch", "ours", "ours / PyTorch", f"a seed of {options.seeds}, in turn", "together"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name, (shape, batches) in NETWORKS.items():
        print(_row(name, shape, batches, options.seeds, options.rounds), flush=True)
    if torch is None:
        print("\nPyTorch is not installed here; ours alone.")


def _row(name: str, shape: tuple[int, int, int], batches: int, seeds: int, rounds: int) -> str:
    images, labels = jax.random.split(jax.random.key(0))
    data = (
        jax.random.normal(images, (batches * BATCH, *shape), jnp.float32),
        jax.random.randint(labels, (batches * BATCH,), 0, 10),
    )
    programs = {
        "ours": _ours(shape, data, jax.random.key(1), together=False),
        "in turn": _ours(shape, data, jax.random.split(jax.random.key(1), seeds), together=False),
        "together": _ours(shape, data, jax.random.split(jax.random.key(1), seeds), together=True),
    }
    if torch is not None:
        programs["PyTorch"] = _theirs(shape, data)
    times = {program: [] for program in programs}
    for program in programs.values():
        program()  # compiles
    for _ in range(rounds):
        for program, call in programs.items():
            begin = time.perf_counter()
            call()
            times[program].append((time.perf_counter() - begin) / batches * 1e3)
    ms = {program: median(found) for program, found in times.items()}
    theirs, ratio = (f"{ms['PyTorch']:.3f}", f"{ms['ours'] / ms['PyTorch']:.2f}") if torch is not None else ("-", "-")
    a_seed = " | ".join(f"{ms[program] / seeds:.3f}" for program in ("in turn", "together"))
    return f"| {name} | {theirs} | {ms['ours']:.3f} | {ratio} | {a_seed} |"


def _ours(shape, data, keys, *, together):
    make = eqx.filter_jit(lambda key: classifier(shape, key=key))
    models = (eqx.filter_vmap(make) if keys.ndim else make)(keys)
    batches, optimiser = Epochs(data, BATCH), optax.sgd(RATE)
    return lambda: fit(models, cross_entropy, batches, optimiser, steps=batches.steps, together=together, key=keys)


def _theirs(shape, data):
    """Return PyTorch's epoch, from our weights. **Raises**: AssertionError when the first losses differ."""
    assert torch is not None
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    nn = torch.nn
    ours = classifier(shape, key=jax.random.key(1))
    leaves = [torch.from_numpy(np.array(leaf)) for leaf in jax.tree.leaves(ours)]
    dense = [(leaves[i].shape[1], leaves[i].shape[0]) for i in range(len(leaves) - 6, len(leaves), 2)]
    layers: list[torch.nn.Module] = []
    if shape != (8, 8, 1):
        for channels, out in ((shape[2], 6), (6, 16)):
            layers += [nn.Conv2d(channels, out, 5), nn.ReLU(), nn.MaxPool2d(2)]
    layers.append(nn.Flatten())
    for features, out in dense:
        layers += [nn.Linear(features, out), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, leaf in zip(net.parameters(), leaves, strict=True):
            parameter.copy_(leaf)
    images = torch.from_numpy(np.array(data[0])).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(np.array(data[1])).long()
    loss = nn.CrossEntropyLoss()
    expected = cross_entropy(ours, (data[0][:BATCH], data[1][:BATCH]), jax.random.key(0))
    # float32 sums of some hundred products in another order
    np.testing.assert_allclose(loss(net(images[:BATCH]), labels[:BATCH]).item(), float(expected), rtol=1e-5)
    optimiser = torch.optim.SGD(net.parameters(), lr=RATE)

    def epoch() -> None:
        for rows in torch.randperm(len(labels)).split(BATCH):
            optimiser.zero_grad()
            loss(net(images[rows]), labels[rows]).backward()
            optimiser.step()

    return epoch


if __name__ == "__main__":
    main()
