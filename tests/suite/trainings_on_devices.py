"""Small trainings by the steps of each study, on as many devices as XLA was told to simulate.

A program of its own, since the number of devices is fixed when a backend starts. It writes an .npz whose entries are
`<training>/<what>`: the curve that the step saves, and what was compiled for it.
"""

import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from perspectives.alignment.settings import PosteriorSettings
from perspectives.alignment.steps.train_posterior import train_posterior
from perspectives.diffusion.settings import GenerativePathsSettings, ImageSettings, SwissRollSettings
from perspectives.diffusion.steps.train_generative_paths import train_generative_paths
from perspectives.diffusion.steps.train_images import train_images
from perspectives.diffusion.steps.train_swiss_roll import train_swiss_roll
from perspectives.elements.settings import DecoderSettings
from perspectives.elements.steps.train_decoder import train_decoder
from perspectives.highres.settings import DeepSettings
from perspectives.highres.steps.train_classifier import train_classifier
from perspectives.numerics import training
from perspectives.numerics.progress import silent
from perspectives.protein.oracles import GlobalEpistasis, Measured, trained
from perspectives.protein.sequences import decoded
from perspectives.protein.settings import AutoencoderSettings, PredictorSettings, PriorSettings
from perspectives.protein.steps.train_autoencoder import train_autoencoder
from perspectives.protein.steps.train_predictor import train_predictor
from perspectives.protein.steps.train_prior import train_prior
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.step import compiled_code

COLLECTIVES = ("all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all")
LENGTH = 8
"""Residues of the invented proteins."""
TASK: dict[str, Any] = {"task": "aav_medium", "member": 0, "seed": 0}

Curve = dict[str, Any]


def column(path: Path, name: str) -> np.ndarray:
    """Return a column of a table of losses."""
    return np.atleast_1d(np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding=None)[name])


def weights(path: Path, group: str) -> np.ndarray:
    """Return all numbers of a saved model in one row."""
    return np.concatenate([array.ravel() for array in read_groups(path)[group].values()])


def classifier(method: Any, seeds: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        rng = np.random.default_rng(0)
        counts = {"train": 128, "validation": 32}
        arrays: dict[str, Any] = {
            part: rng.normal(size=(n, 32, 32, 3)).astype(np.float32) for part, n in counts.items()
        }
        arrays |= {f"{part}_labels": rng.integers(0, 10, n, dtype=np.int32) for part, n in counts.items()}
        np.savez(folder / "images.npz", **arrays)
        settings = DeepSettings(seeds=seeds, epochs=3, batch=32)
        train_classifier(
            settings=settings, method=method, seed=0, images=folder / "images.npz", curves=folder / "curves.npz",
            progress=silent,
        )  # fmt: skip
        return {"loss": np.load(folder / "curves.npz")["train_loss"]}

    return train


def swiss_roll(seeds: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        settings = SwissRollSettings(iterations=200, batch=64, width=32, seeds=seeds)
        losses = folder / "losses.csv"
        train_swiss_roll(
            settings=settings, proposal="debiasing", seed=0, weights=folder / "weights.npz", losses=losses,
            progress=silent,
        )  # fmt: skip
        return {"loss": np.loadtxt(losses, delimiter=",", skiprows=1), "model": weights(folder / "weights.npz", "last")}

    return train


def generative_path(variant: Any, batch: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        settings = GenerativePathsSettings(iterations=200, batch=batch, solver_steps=8)
        train_generative_paths(
            settings=settings, variant=variant, seed=0, weights=folder / "weights.npz", losses=folder / "losses.csv",
            progress=silent,
        )  # fmt: skip
        return {"loss": column(folder / "losses.csv", "loss"), "model": weights(folder / "weights.npz", variant)}

    return train


def unet(batch: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        settings = ImageSettings(
            multipliers=(1, 2), batch=batch, iterations=6, evaluate_every=3, train_images=64, test_images=8
        )
        train_images(
            settings=settings, dataset="digits", proposal="uniform", member=0, seed=0, files=[digits(folder)],
            weights=folder / "weights.npz", curve=folder / "curve.csv", progress=silent,
        )  # fmt: skip
        return {
            "loss": column(folder / "curve.csv", "loss"),
            "model": weights(folder / "weights.npz", "last"),
        }

    return train


def posterior(inference: Any, batch: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        settings = PosteriorSettings(
            dataset="digits", network="perceptron", depth=2, width=16, inference=inference, temperature=1.0,
            prior="fan_in", prior_variance=2.0, augmentation=False, train_images=400, epochs=5, batch=batch,
            learning_rate=5e-3, initial_deviation=0.02,
        )  # fmt: skip
        train_posterior(
            settings=settings, member=0, seed=0, files=[digits(folder)], posterior=folder / "posterior.npz",
            losses=folder / "losses.csv", progress=silent,
        )  # fmt: skip
        return {"loss": column(folder / "losses.csv", "loss"), "model": weights(folder / "posterior.npz", "mean")}

    return train


def autoencoder_and_prior(batch: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        settings = AutoencoderSettings(latent=4, batch=batch, steps=40)
        files: dict[str, Any] = {
            "base": proteins(folder),
            "weights": folder / "autoencoder.npz",
            "losses": folder / "autoencoder.csv",
        }
        train_autoencoder(settings=settings, **TASK, **files, quality=folder / "quality.csv", progress=silent)
        files = {"base": files["base"], "weights": folder / "prior.npz", "losses": folder / "prior.csv"}
        train_prior(
            settings=PriorSettings(batch=batch, steps=40), autoencoder_settings=settings, **TASK, **files,
            autoencoder=folder / "autoencoder.npz", progress=silent,
        )  # fmt: skip
        return {
            "autoencoder": column(folder / "autoencoder.csv", "loss"),
            "prior": column(folder / "prior.csv", "loss"),
            "autoencoder's model": weights(folder / "autoencoder.npz", "model"),
            "prior's model": weights(folder / "prior.npz", "model"),
        }

    return train


def predictor(batch: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        settings = PredictorSettings(batch=batch, epochs=10, learning_rate=1e-3)
        saved = folder / "predictor.npz"
        train_predictor(settings=settings, **TASK, base=proteins(folder), weights=saved, progress=silent)
        return {"model": weights(saved, "model")}

    return train


def oracle(batch: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        rng = np.random.default_rng(0)
        pairs = np.sort(rng.permuted(np.tile(np.arange(LENGTH), (256, 1)), axis=1)[:, :2], axis=1)
        doubles = (20 * pairs + rng.integers(1, 20, pairs.shape)).astype(np.int32)
        fitness, weight = rng.normal(size=256).astype(np.float32), np.ones(256, np.float32)
        rows = Measured(*map(jax.numpy.asarray, (doubles, fitness, weight)))
        found = trained(
            GlobalEpistasis(LENGTH), rows, batch=batch, steps=100, learning_rate=0.03, key=jax.random.key(0)
        )
        return {"model": np.asarray(found.effects).ravel()}

    return train


def decoder(batch: int) -> Callable[[Path], Curve]:
    def train(folder: Path) -> Curve:
        settings = DecoderSettings(vocabulary=4, length=2, width=16, steps=50, batch=batch)
        losses = folder / "losses.csv"
        train_decoder(settings=settings, seed=0, decoder=folder / "decoder.eqx", losses=losses, progress=silent)
        return {"loss": column(losses, "loss")}

    return train


def digits(folder: Path) -> Path:
    """Write a table of the digits' shape whose label is where a bright stripe lies."""
    rng = np.random.default_rng(0)
    labels, pixels = rng.integers(0, 8, 1797), rng.integers(0, 6, (1797, 8, 8))
    pixels[np.arange(1797), labels] += 10
    table = np.column_stack([pixels.reshape(1797, 64), labels])
    np.savetxt(folder / "digits.csv", table, delimiter=",", fmt="%d")
    return folder / "digits.csv"


def proteins(folder: Path) -> Path:
    """Write a base set of random sequences whose fitness is their number of different residues."""
    tokens = np.random.default_rng(0).integers(0, 20, (200, LENGTH)).astype(np.uint8)
    rows = [f"{text},{len(set(text))}" for text in decoded(tokens)]
    (folder / "base.csv").write_text("\n".join(["sequence,score", *rows]) + "\n")
    return folder / "base.csv"


TRAININGS: dict[str, Callable[[Path], Curve]] = {
    "highres: SGD, 8 seeds": classifier("sgd", 8),
    "highres: NNAG and SVRG, 6 seeds": classifier("nnag_svrg", 6),
    "diffusion: swiss roll, 3 seeds": swiss_roll(3),
    "diffusion: flow, batch of 128": generative_path("no_noise", 128),
    "diffusion: fixed inference, batch of 100": generative_path("fixed_inference", 100),
    "diffusion: U-Net, batch of 12": unet(12),
    "alignment: posterior, batch of 80": posterior("vi", 80),
    "alignment: posterior, batch of 100": posterior("vi", 100),
    "alignment: MAP, batch of 80": posterior("map", 80),
    "alignment: MAP, batch of 100": posterior("map", 100),
    "protein: autoencoder and prior, batch of 20": autoencoder_and_prior(20),
    "protein: predictor, batch of 100": predictor(100),
    "protein: oracle, batch of 64": oracle(64),
    "elements: decoder, batch of 14": decoder(14),
}
"""Name, with what is divided among the devices, and how to train."""


class Watched:
    """A function of the training loop that notes on how many devices and by how many collectives it works, at least.

    Seeds train together, as on a GPU, which the simulated devices stand for.
    """

    def __init__(self, function: Any, place: int, notes: dict[str, int], *, static: int = 0) -> None:
        self.function, self.place, self.notes, self.static = function, place, notes, static
        self.compiled: dict[Any, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function does, compiled for these arguments, of which the first `static` are no arrays.

        `place` is that of the state among them.
        """
        arguments = tuple(True if argument is False else argument for argument in arguments)
        kind = jax.tree.structure(arguments[self.place]), arguments[: self.static]
        if kind not in self.compiled:
            leaf = jax.tree.leaves(arguments[self.place])[0]
            parts = math.prod(leaf.shape) // math.prod(leaf.sharding.shard_shape(leaf.shape))
            self.compiled[kind] = self.function.lower(*arguments).compile()
            text = getattr(self.compiled[kind], "compiled", self.compiled[kind]).as_text()  # Equinox's, or JAX's own
            collectives = sum(text.count(f" {name}{start}(") for name in COLLECTIVES for start in ("", "-start"))
            found = {"devices": len(leaf.sharding.device_set), "parts": parts, "collectives": collectives}
            for name, value in found.items():
                self.notes[name] = min(value, self.notes.get(name, value))
        return self.compiled[kind](*arguments[self.static :])


def main(file: Path) -> None:
    """Run all trainings and write their curves."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", str(compiled_code(Path(__file__).parents[2])))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    whole, step = training._compiled_round, training._compiled_step
    found: dict[str, Any] = {}
    for name, train in TRAININGS.items():
        notes: dict[str, int] = {}
        training._compiled_round = Watched(whole, 1, notes)  # type: ignore[assignment]
        training._compiled_step = Watched(step, 3, notes, static=1)  # type: ignore[assignment]
        with tempfile.TemporaryDirectory() as folder:
            curve = train(Path(folder))
        found |= {f"{name}/{what}": value for what, value in (curve | notes).items()}
    np.savez(file, **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
