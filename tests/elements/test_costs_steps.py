import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from perspectives.elements import costs, reversible_integration
from perspectives.elements.reversible_integration import Mismatch
from perspectives.elements.settings import CostSettings
from perspectives.elements.steps import measure_costs as step
from perspectives.elements.steps.plot_costs import plot_costs
from perspectives.numerics.progress import silent
from perspectives.workbench.measures import read_measures

TABLES = ("derivatives", "jacobians", "memory", "schedules", "adjoints")


def planted(horizons, steps, max_steps):
    """Mismatches of orders 3 and 4, the second worse at the long horizon; the solves are tested elsewhere."""
    growth = {
        "Heun": jnp.ones(2),
        "reversible Heun": jnp.array([10.0, 1e6]),
        "reversible Heun, undone": 1e-15 / horizons,
    }
    order = {"Heun": 3, "reversible Heun": 4, "reversible Heun, undone": 0}
    return {name: Mismatch(one[:, None] * steps ** order[name], 1000) for name, one in growth.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("costs")
    files = {name: folder / f"{name}.csv" for name in (*TABLES, "measures")}
    with pytest.MonkeyPatch.context() as patch:  # compiling is all the work, so there is less to compile
        patch.setattr(step, "OUTPUTS", (4,))
        patch.setattr(step, "CHECKPOINTS", (16,))
        patch.setattr(step, "SWEPT", ())
        patch.setattr(costs, "LAYERS", 2)
        patch.setattr(reversible_integration, "mismatches", planted)
        step.measure_costs(settings=CostSettings(width=32, steps=512, state=64), seed=3, progress=silent, **files)
    return folder


@pytest.fixture(scope="module")
def measures(folder):
    return {name: measure.value for name, measure in read_measures(folder / "measures.csv").items()}


def test_all_measures_are_finite_and_within_the_theorems(measures, folder):
    assert all(np.isfinite(value) for value in measures.values())
    rows = pd.read_csv(folder / "derivatives.csv")
    assert np.all(rows["operations"] <= rows["bound"])
    assert measures["largest_checkpointing_difference"] < 1e-12
    assert measures["evaluations_a_step_tape"] == 1
    assert measures["evaluations_a_step_blocks"] == 2


def test_memory_grows_with_the_tape_the_root_and_not_at_all(measures):
    assert measures["memory_order_tape"] == pytest.approx(1, abs=0.05)  # what does not grow is a few states
    assert measures["memory_order_blocks"] == pytest.approx(0.5, abs=0.1)
    assert measures["memory_order_16"] == pytest.approx(0, abs=0.05)


def test_mismatches_are_compared_at_the_companions_step(measures):
    assert measures["order_heun_mismatch_short"] == pytest.approx(3, abs=1e-9)
    assert measures["order_reversible_heun_mismatch_short"] == pytest.approx(4, abs=1e-9)
    assert measures["reversible_over_heun_mismatch_short"] == pytest.approx(0.01)
    assert measures["reversible_over_heun_mismatch"] == pytest.approx(1000)
    assert measures["largest_undone_mismatch"] == pytest.approx(1e-15)


def test_figure_ships_its_numbers(folder, tmp_path):
    files = {"png": tmp_path / "a.png", "pdf": tmp_path / "a.pdf", "csv": tmp_path / "a.csv"}
    plot_costs(**{name: folder / f"{name}.csv" for name in TABLES}, **files)
    panels = set(pd.read_csv(files["csv"])["panel"])
    assert panels == {"operations", "Jacobians", "memory", "schedules", "adjoints"}
    assert files["png"].stat().st_size > 0 < files["pdf"].stat().st_size
