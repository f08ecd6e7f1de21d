import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from perspectives.elements.claims import CLAIMS, FINDINGS
from perspectives.elements.hypergradients import outer_loss
from perspectives.elements.settings import BilevelSettings
from perspectives.elements.steps.evaluate_bilevel import evaluate_bilevel
from perspectives.elements.steps.fit_kernel_width import fit_kernel_width
from perspectives.elements.steps.measure_hypergradients import drawn_regression, measure_hypergradients
from perspectives.elements.steps.plot_bilevel import plot_bilevel
from perspectives.workbench.measures import read_measures

SETTINGS = BilevelSettings(samples=40, grid=12)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bilevel")
    names = ("hypergradients", "truncations", "losses", "descents", "fits")
    paths = {name: folder / f"{name}.csv" for name in names}
    measured = {name: paths[name] for name in names[:2]}
    measure_hypergradients(settings=SETTINGS, seed=0, **measured)
    fit_kernel_width(settings=SETTINGS, seed=0, **{name: paths[name] for name in names[2:]})
    inputs = {name: paths[name] for name in names[:4]}
    evaluate_bilevel(settings=SETTINGS, measures=folder / "measures.csv", **inputs)
    return paths | {"measures": folder / "measures.csv"}


def test_direct_hypergradients_are_differences_of_the_loss(tables):
    regression = drawn_regression(SETTINGS, SETTINGS.ridge, 0)
    found = pd.read_csv(tables["hypergradients"])
    for width, derivative in zip(found["width"], found["direct"], strict=True):
        at = np.log(width) + np.array([-1e-5, 1e-5])
        low, high = (float(outer_loss("direct", jnp.asarray(h), regression)) for h in at)
        assert derivative == pytest.approx((high - low) / 2e-5, rel=1e-6, abs=1e-8)  # error 1e-10 of third derivatives


def test_ways_agree_once_converged_and_not_before(tables):
    found = pd.read_csv(tables["hypergradients"])
    for name in ("implicit", "unrolled"):
        np.testing.assert_allclose(found[name], found["direct"], rtol=1e-10)
    np.testing.assert_allclose(found["bfgs"], found["direct"], rtol=1e-5)  # first-order in what BFGS leaves, 1e-8
    cut = pd.read_csv(tables["truncations"])
    narrow = cut[cut["width"] == 0.05].set_index("steps")
    for name in ("implicit", "unrolled", "implicit_weights", "unrolled_weights"):
        assert narrow.loc[5, name] > 1e-4
        assert narrow.loc[600, name] < 1e-12


def test_descent_ends_where_the_loss_is_flat_and_not_above_the_grid(tables):
    losses, ends = pd.read_csv(tables["losses"]), pd.read_csv(tables["descents"])
    ridge: Any
    for ridge, of in ends.groupby("ridge"):
        regression = drawn_regression(SETTINGS, ridge, 0)
        from_grid = of[of["begun"] == "grid"].iloc[0]
        assert from_grid["loss_end"] <= losses[losses["ridge"] == ridge]["loss"].min()
        for end in of["end"]:
            at = np.log(end) + np.array([-1e-4, 0, 1e-4])
            low, middle, high = (float(outer_loss("direct", jnp.asarray(h), regression)) for h in at)
            assert abs(high - low) / 2e-4 < 1e-3 * middle


def test_bilevel_measures_what_claims_and_findings_name(tables, tmp_path):
    measures = read_measures(tables["measures"])
    assert all(math.isfinite(measure.value) for measure in measures.values())
    for one in (*CLAIMS, *FINDINGS):
        table, quantity = one.quantity.split(":")
        if table == "bilevel":
            assert quantity in measures
    assert measures["largest_hypergradient_difference"].value < 1e-10
    assert measures["envelope_difference"].value < 1e-12
    inputs = {name: tables[name] for name in ("hypergradients", "truncations", "losses", "descents", "fits")}
    figure = {kind: tmp_path / f"figure.{kind}" for kind in ("png", "pdf", "csv")}
    plot_bilevel(**inputs, **figure)
    assert all(path.stat().st_size > 1000 for path in figure.values())
