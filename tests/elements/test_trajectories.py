"""Trajectories, adjoints and fits are tested on what the steps wrote, since an adjoint takes seconds to compile.

That reverse mode is forward mode, and the gaps of the adjoint ODE, are claims: every run of the workflow measures them.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import approx_fprime, least_squares

from perspectives.elements.claims import CLAIMS, FINDINGS
from perspectives.elements.lotka_volterra import NAMES, STARTS, TRUTH, observation_times, observed
from perspectives.elements.settings import IntegrationSettings
from perspectives.elements.steps import differentiate_trajectories as differentiation
from perspectives.elements.steps.evaluate_integration import evaluate_integration
from perspectives.elements.steps.fit_trajectories import fit_trajectories
from perspectives.elements.steps.plot_integration import plot_integration
from perspectives.elements.trajectory_fit import fit
from perspectives.numerics.progress import silent
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import read_measures

SETTINGS = IntegrationSettings(horizon=30.0, observations=100, noise=0.05)
TIMES = 0.3 * np.arange(100)
W1 = np.array(STARTS["w1"])


def field(t, z, parameters):
    a, b, c, d = parameters
    return np.array([a * z[0] - b * z[0] * z[1] + 0.01, d * z[0] * z[1] - c * z[1] + 0.01])


def by_scipy(parameters):
    solved = solve_ivp(field, (0, TIMES[-1]), [1, 1], "DOP853", TIMES, args=(parameters,), rtol=1e-12, atol=1e-12)
    return solved.y.T


def by_euler(parameters):
    """Steps of 0.02, fifteen from one observation to the next."""
    z, found = np.ones(2), [np.ones(2)]
    for step in range(1, 15 * 99 + 1):
        z = z + 0.02 * field(0, z, parameters)
        if step % 15 == 0:
            found.append(z)
    return np.array(found)


@pytest.fixture(scope="module")
def data():
    key = stream(0, "elements.integration.noise")
    return np.asarray(observed(observation_times(30.0, 100), 0.05, key=key))


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("integration")
    paths = {name: folder / f"{name}.csv" for name in ("gradients", "errors", "fits", "trajectories", "landscapes")}
    two = (("euler", "recursive"), ("tsit5", "forward"))
    for step, chosen in (
        (differentiation.differentiate_trajectories, ("gradients", "errors")),
        (fit_trajectories, ("fits", "trajectories", "landscapes")),
    ):
        at = {name: paths[name] for name in chosen} | {"settings": SETTINGS, "seed": 0, "progress": silent}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(differentiation, "RUNS", two)
            step(**at)
            before = [paths[name].read_bytes() for name in chosen]
            step(**at)
        assert [paths[name].read_bytes() for name in chosen] == before
    return paths


def gradients_of(tables, solver, adjoint):
    found = pd.read_csv(tables["gradients"]).query("solver == @solver and adjoint == @adjoint")
    return found[["size", *NAMES]].to_numpy()


def distance(one, other):
    return np.linalg.norm(one - other, axis=-1) / np.linalg.norm(other, axis=-1)


def test_trajectories_are_those_of_another_solver(tables):
    states = pd.read_csv(tables["trajectories"]).query("series == 'w1'")[["x", "y"]].to_numpy()[::5]
    np.testing.assert_allclose(states, by_scipy(W1), atol=1e-7)  # solved to 1e-9, errors grow over two periods


def test_observations_are_the_true_trajectory_and_noise(data):
    noise = data - by_scipy(TRUTH)
    assert noise.std() == pytest.approx(0.05, rel=0.2)  # four standard errors of 200 numbers
    assert abs(noise.mean()) < 4 * 0.05 / math.sqrt(200)


def test_gradient_is_the_derivative_of_the_loss(tables, data):
    def loss(parameters):
        return np.sum((by_scipy(parameters) - data) ** 2) / 200

    expected = approx_fprime(W1, loss, 1e-6)
    found = gradients_of(tables, "tsit5", "forward")[:, 1:]
    assert distance(found[-1], expected) < 1e-4  # forward differences of step 1e-6, curvatures up to tens
    assert distance(found[0], expected) > 1e-3  # at a tolerance of 1e-3 it is the derivative of something else


def test_discretised_gradient_is_that_of_the_discrete_map(tables, data):
    def loss(parameters):
        return np.sum((by_euler(parameters) - data) ** 2) / 200

    steps = np.eye(4) * 1e-6
    expected = np.array([(loss(W1 + step) - loss(W1 - step)) / 2e-6 for step in steps])
    # central differences: rounding 1e-16 / 1e-6, curvature 1e-12
    assert distance(gradients_of(tables, "euler", "recursive")[0, 1:], expected) < 1e-7


def test_euler_s_errors_fall_like_the_step(tables):
    errors = pd.read_csv(tables["errors"])["error"].to_numpy()
    assert np.allclose(errors[:-1] / errors[1:], 2, rtol=0.15)  # steps halve; a relative step's worth of curvature
    states: Any = pd.read_csv(tables["errors"])
    largest = np.linalg.norm(by_euler(W1) - by_scipy(W1), axis=1).max()
    assert states["error"][0] == pytest.approx(largest, rel=1e-6)


@pytest.fixture(scope="module")
def planted(tables, tmp_path_factory):
    """Gradients that are off by planted amounts, in directions at right angles, beside the fits of the step."""
    folder = tmp_path_factory.mktemp("planted")
    exact, along, across = np.array([3.0, 0, 4.0, 0]), np.array([0, 5.0, 0, 0]), np.array([0, 0, 0, 5.0])
    rows = []
    for k in range(3, 14):
        recursive = exact + 10.0**-k * along * (k < 13)
        for adjoint, gradient in (
            ("recursive", recursive),
            ("direct", recursive + 1e-14 * across),
            ("forward", recursive + 2e-14 * across),
            ("backsolve", recursive + 7 * 10.0**-k * across),
        ):
            rows.append(["tsit5", adjoint, 10.0**-k, *gradient])
    for step in (0.02, 0.01, 0.005):
        rows += [["euler", "recursive", step, *exact], ["euler", "backsolve", step, *(exact + 3 * step * across)]]
    pd.DataFrame(rows, columns=["solver", "adjoint", "size", *NAMES]).to_csv(folder / "gradients.csv", index=False)
    names = ("gaps", "estimates", "measures")
    paths = {name: folder / f"{name}.csv" for name in names}
    evaluate_integration(gradients=folder / "gradients.csv", errors=tables["errors"], fits=tables["fits"], **paths)
    return paths


def test_planted_gaps_are_measured(planted):
    measures = read_measures(planted["measures"])
    found = {name: measure.value for name, measure in measures.items()}
    for name, expected in {
        "recursive_minus_forward": 2e-14,
        "recursive_minus_direct": 1e-14,
        "backsolve_gap_1e-6": 7e-6,
        "backsolve_gap_1e-10": 7e-10,
        "recursive_error_1e-6": 1e-6,
        "backsolve_error_1e-6": math.sqrt(50) * 1e-6,
        "backsolve_gap_euler": 0.03,
        "recursive_error_euler": 0.0,
        "order_backsolve_gap": 1.0,
    }.items():
        assert found[name] == pytest.approx(expected, rel=1e-2, abs=1e-15), name
    assert all(math.isfinite(value) for value in found.values())
    assert 0.9 < found["order_euler"] < 1.1
    assert {one.quantity for one in (*CLAIMS, *FINDINGS) if one.quantity.startswith("integration:")} <= {
        f"integration:{name}" for name in found
    }


def test_fits_over_growing_windows_recover_the_truth(planted):
    estimates = pd.read_csv(planted["estimates"])
    last: Any = estimates.query("schedule == 'growing' and window == 100")
    assert len(last) == 4
    assert last["largest_z"].max() < 4
    assert last["furthest"].max() < 0.1
    z = (last["a"] - TRUTH[0]) / last["error_a"]
    np.testing.assert_allclose(last["z_a"], z, rtol=1e-6)


def test_fit_and_standard_errors_are_scipy_s(tables, data):
    row = (
        pd.read_csv(tables["fits"])
        .query("start == 'w2' and parametrisation == 'log' and schedule == 'growing'")
        .iloc[-1]
    )
    found = least_squares(lambda w: (by_scipy(w) - data).ravel(), TRUTH, method="lm", x_scale=1.0)
    np.testing.assert_allclose(row[list(NAMES)].astype(float), found.x, rtol=1e-5)  # both stop at 1e-8
    covariance = 2 * found.cost / (200 - 4) * np.linalg.inv(found.jac.T @ found.jac)
    errors = row[[f"error_{name}" for name in NAMES]].astype(float)
    np.testing.assert_allclose(errors, np.sqrt(np.diag(covariance)), rtol=1e-4)  # scipy's Jacobian is by differences


def test_a_window_does_not_see_what_is_outside(tables, data):
    weights = jnp.where(jnp.arange(100) < 40, 1.0, 0.0)
    corrupted = jnp.where(weights[:, None] > 0, data, 100.0)
    times = observation_times(30.0, 100)
    one, other = (fit(jnp.asarray(W1), jnp.asarray(True), times, jnp.asarray(d), weights) for d in (data, corrupted))
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), one, other))


def test_the_integration_figure_is_drawn(tables, planted, tmp_path):
    inputs = {name: tables[name] for name in ("trajectories", "errors", "landscapes")}
    inputs |= {name: planted[name] for name in ("gaps", "estimates")}
    figure = {kind: tmp_path / f"figure.{kind}" for kind in ("png", "pdf", "csv")}
    plot_integration(**inputs, **figure)
    assert all(path.stat().st_size > 1000 for path in figure.values())
    losses = pd.read_csv(tables["landscapes"])
    lowest = losses.loc[losses.groupby("window")["mean_square"].idxmin()]
    assert abs(lowest["a"].iloc[-1] - TRUTH[0]) < 0.02  # the whole window's least loss is near the truth
