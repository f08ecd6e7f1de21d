"""Draw which mutations the selected guided designs have, letters as tall as they are frequent."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch, PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from numpy import ndarray

from perspectives.protein.autoencoders import commonest
from perspectives.protein.landscapes import scored
from perspectives.protein.methods import TASK_TITLES
from perspectives.protein.sequences import ALPHABET, LETTERS, Tokens, encoded
from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, read_rows, write_rows

KINDS = {
    "acidic": ("DE", VERMILION),
    "basic": ("KRH", BLUE),
    "polar": ("STNQCY", GREEN),
    "hydrophobic": ("AVLIMFW", "black"),
    "glycine, proline": ("GP", ORANGE),
}
"""Residues by what their side chains do, and colours."""
LONGEST = 60
"""Positions drawn: of longer proteins those that are mutated most often."""
_FONT = FontProperties(family="DejaVu Sans", weight="bold")


def plot_logos(*, scores: list[Input], bases: list[Input], png: Output, pdf: Output, csv: Output) -> None:
    """Draw a panel for each arm; below are the residues of the base set's commonest sequence, and their numbers."""
    drawn: list[dict[str, object]] = []
    with style():
        figure, grid = plt.subplots(len(scores), 1, figsize=(PAGE_INCHES, 0.5 + 1.25 * len(scores)), squeeze=False)
        for axes, path, base in zip(grid[:, 0], scores, bases, strict=True):
            rows = [row for row in read_rows(path) if row["method"] == "guided" and row["selected"] == "1"]
            reference = commonest(read_as(scored, base).tokens)
            shares = mutation_shares(encoded([row["sequence"] for row in rows]), reference)
            positions = most_mutated(shares, LONGEST)
            _logo(axes, shares[positions], reference[positions], positions)
            named = f"{TASK_TITLES[rows[0]['task']]}: mutations of {len(rows)} designs ({rows[0]['source']} models)"
            axes.set_title(named, loc="left", pad=3)
            # With the reference's own residues the numbers of a position sum to one, and there are always some.
            of_all = shares.copy()
            of_all[np.arange(len(reference)), reference] = 1 - shares.sum(1)
            drawn += [
                {"task": rows[0]["task"], "position": position + 1, "reference": ALPHABET[reference[position]],
                 "residue": ALPHABET[residue], "share": float(of_all[position, residue])}
                for position, residue in zip(*np.nonzero(of_all), strict=True)
            ]  # fmt: skip
        figure.legend(
            handles=[Patch(color=colour, label=kind) for kind, (_, colour) in KINDS.items()],
            loc="outside lower center", ncols=len(KINDS), handlelength=0.8,
        )  # fmt: skip
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    write_rows(csv, drawn, digits=9)


def mutation_shares(tokens: Tokens, reference: UInt8[ndarray, "length"]) -> Float[ndarray, "length 20"]:
    """Return the share of sequences with each residue at each position, but nothing for the reference's own."""
    shares = (tokens[:, :, None] == np.arange(LETTERS)).mean(0)
    shares[np.arange(len(reference)), reference] = 0
    return shares


def most_mutated(shares: Float[ndarray, "length 20"], number: int) -> Int[ndarray, "positions"]:
    """Return the positions, in order, that are mutated most often."""
    return np.sort(np.argsort(-shares.sum(1), kind="stable")[:number])


def _logo(
    axes: Axes,
    shares: Float[ndarray, "positions 20"],
    reference: UInt8[ndarray, "positions"],
    positions: Sequence[int] | Int[ndarray, "positions"],
) -> None:
    tallest = max(float(shares.sum(1).max()), 1e-3)
    for place, of_place in enumerate(shares):
        bottom = 0.0
        for residue in np.argsort(of_place, kind="stable"):  # the commonest is on top
            if of_place[residue] > 0:
                _letter(axes, ALPHABET[residue], place, bottom, float(of_place[residue]))
                bottom += float(of_place[residue])
    axes.set(xlim=(-0.6, len(shares) - 0.4), ylim=(0, 1.05 * tallest), ylabel="share of designs")
    labels = [
        f"{ALPHABET[residue]}\n{position + 1 if (position + 1) % 5 == 0 or len(shares) >= LONGEST else ''}"
        for residue, position in zip(reference, positions, strict=True)
    ]
    axes.set_xticks(range(len(shares)), labels, fontsize=5.5 if len(shares) >= LONGEST else 6.5)
    axes.tick_params(axis="x", length=0, pad=2)
    axes.grid(visible=False, axis="x")


def _letter(axes: Axes, letter: str, place: int, bottom: float, height: float) -> None:
    """Draw a letter that fills a box as wide as a position and as tall as its share."""
    path = TextPath((0, 0), letter, size=1, prop=_FONT)
    box = path.get_extents()
    width = 0.9 if letter != "I" else 0.3  # an I as wide as a W would not be known as one
    fit = Affine2D().translate(-box.x0, -box.y0).scale(width / box.width, height / box.height)
    colour = next(colour for letters, colour in KINDS.values() if letter in letters)
    moved = fit.translate(place - width / 2, bottom).transform_path(path)
    axes.add_patch(PathPatch(moved, facecolor=colour, linewidth=0))
