"""Run Nesterov's method at s = 1/L on three problems with known minimisers."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.highres import constants
from perspectives.highres.problems import LogisticRegression, Quadratic, WorstCase, newton_minimiser, standardised
from perspectives.highres.settings import ConstantSettings
from perspectives.numerics.progress import Progress
from perspectives.workbench.step import Input, Output


def run_nag(*, settings: ConstantSettings, breast_cancer: Input, descents: Output, progress: Progress) -> None:
    """Write the gap, the squared gradient and |v_k - x*|^2 at every index of scheme (21)."""
    worst_case = WorstCase(settings.worst_case_dimensions)
    n = settings.quadratic_dimensions
    quadratic = Quadratic((jnp.arange(1, n + 1) / n) ** 2)
    # One header line (rows, columns, class names), then the features and the label of each case.
    cases = jnp.asarray(np.loadtxt(breast_cancer, delimiter=",", skiprows=1))
    # A plane separates the classes, so that with an intercept and no ridge there is no minimiser; without an intercept
    # it lies hundreds of units away, and bounds in |x_0 - x*| say nothing. 1/samples is scikit-learn's default, C = 1.
    logistic = LogisticRegression(standardised(cases[:, :-1]), cases[:, -1], 1 / len(cases))
    runs = {
        "worst_case": (worst_case, jnp.zeros(settings.worst_case_dimensions), worst_case.minimiser),
        "quadratic": (quadratic, jnp.ones(n), quadratic.minimiser),
        "breast_cancer": (logistic, jnp.zeros(logistic.features.shape[1]), newton_minimiser(logistic)),
    }
    tables = []
    for done, (name, (problem, start, minimiser)) in enumerate(runs.items()):
        progress(done, len(runs))
        s = 1 / problem.smoothness
        found = constants.descent(problem, s, start, minimiser, settings.iterations)
        index = {"problem": name, "k": np.arange(settings.iterations + 1), "s": float(s)}
        tables.append(pd.DataFrame({**index, **jax.tree.map(np.asarray, found._asdict())}))
    pd.concat(tables).to_csv(descents, index=False)
    progress(len(runs), len(runs))
