"""Measure moments of four exponential families against a library, and fits of generalised linear models."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Real
from scipy import special, stats
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from perspectives.elements.exponential_families import FAMILIES, Family, covariance, mean, negative_log_likelihood
from perspectives.elements.generalised_linear import Fit, moment_residual, newton_fit, standard_errors
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

PARAMETERS = np.linspace(-3, 3, 61)
"""Natural parameters of the curves; for the categorical family s in (s, 1, 0), as in the companion."""
OBSERVED = {"Bernoulli": (0, 1), "categorical": (0, 1, 2), "Gaussian": (-2, 0, 2), "Poisson": (1, 4, 10)}
"""Observations whose losses are drawn. **Source**: companion."""
DRAWN = {
    "Bernoulli": {"$\\pi=0.8$": stats.bernoulli(0.8)},
    "categorical": {"$\\pi=(0.3,0.6,0.1)$": stats.rv_discrete(values=([1, 2, 3], [0.3, 0.6, 0.1]))},
    "Gaussian": {f"$\\mu={location}$": stats.norm(location) for location in (-2, 0, 2)},
    "Poisson": {f"$\\lambda={rate}$": stats.poisson(rate) for rate in (1, 4, 10)},
}
SAMPLES = 1000
WEIGHTS = {"Bernoulli": (1.0, -2.0, 0.5, 0.0, 1.5), "Poisson": (0.5, -0.3, 0.2, 0.0, 0.4)}
"""Planted weights, of order one for logits and smaller for log-rates, so that rates stay below about a hundred."""


def measure_families(*, seed: int, curves: Output, fits: Output, measures: Output) -> None:
    """Write distributions, mean maps and losses of the families, Newton's records, and differences from libraries."""
    frame, rows = _moments()
    pd.concat([_distributions(), frame]).to_csv(curves, index=False, float_format="%.10g")
    frame, found = _fits(seed)
    frame.to_csv(fits, index=False)
    write_measures(measures, [*rows, *found])


def _curve(family: str, panel: str, series: str | int, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"family": family, "panel": panel, "series": series, "x": x, "y": np.asarray(y)})


def _distributions() -> pd.DataFrame:
    """Return masses or densities and distribution functions of the members that the companion draws."""
    frames = []
    for family, members in DRAWN.items():
        y = {"Bernoulli": np.arange(2), "categorical": np.arange(1, 4), "Poisson": np.arange(21)}.get(
            family, np.linspace(-5, 5, 201)
        )
        for series, member in members.items():
            density = member.pdf(y) if family == "Gaussian" else member.pmf(y)
            frames += [
                _curve(family, "density", series, y, density),
                _curve(family, "distribution", series, y, member.cdf(y)),
            ]
    return pd.concat(frames)


def _library_moments(name: str, thetas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means and covariances of the statistic by scipy's distributions, whose parameters are not natural ones."""
    if name == "categorical":
        members = [stats.multinomial(1, p) for p in special.softmax(thetas, axis=1)]
        return np.stack([member.mean() for member in members]), np.stack([member.cov() for member in members])
    library, parameter = {
        "Bernoulli": (stats.bernoulli, special.expit),
        "Gaussian": (stats.norm, np.asarray),
        "Poisson": (stats.poisson, np.exp),
    }[name]
    member = library(parameter(thetas))
    return np.asarray(member.mean()), np.asarray(member.var())[:, :, None]


def _moments_and_losses(
    family: Family, observed: Real[Array, "observations"], theta: Float[Array, "k"]
) -> tuple[Float[Array, "k"], Float[Array, "k k"], Float[Array, "observations"]]:
    losses = jax.vmap(lambda y: negative_log_likelihood(family, theta, y))(observed)
    return mean(family, theta), covariance(family, theta), losses


def _moments() -> tuple[pd.DataFrame, list[Measure]]:
    """Return mean maps and losses, and the largest differences from scipy's means, variances and likelihoods."""
    frames, rows, differences = [], [], []
    for name, family in FAMILIES.items():
        thetas = PARAMETERS[:, None]
        if name == "categorical":
            thetas = np.concatenate([thetas, np.full_like(thetas, 1), np.zeros_like(thetas)], axis=1)
        evaluate = jax.jit(jax.vmap(partial(_moments_and_losses, family, jnp.asarray(OBSERVED[name]))))
        means, covariances, losses = (np.asarray(array) for array in evaluate(thetas))
        first, second = _library_moments(name, thetas)
        in_mean, in_covariance = np.max(np.abs(means - first)), np.max(np.abs(covariances - second))
        differences += [in_mean, in_covariance]
        rows += [
            Measure(quantity=f"mean_minus_library_{name}", value=float(in_mean)),
            Measure(quantity=f"covariance_minus_library_{name}", value=float(in_covariance)),
        ]
        series = [f"$e_{i + 1}$" for i in range(means.shape[1])] if name == "categorical" else ["mean"]
        frames += [_curve(name, "mean", s, PARAMETERS, m) for s, m in zip(series, means.T, strict=True)]
        series = [f"$y=e_{y + 1}$" if name == "categorical" else f"$y={y}$" for y in OBSERVED[name]]
        frames += [_curve(name, "loss", s, PARAMETERS, x) for s, x in zip(series, losses.T, strict=True)]
    rows.append(Measure(quantity="moments_minus_library", value=float(max(differences))))
    for y in OBSERVED["Gaussian"]:
        frames.append(_curve("Gaussian", "companion_loss", f"$y={y}$", PARAMETERS, (y - PARAMETERS) ** 2))
    rows.append(Measure(quantity="companion_gaussian_factor", value=_companion_factor()))
    return pd.concat(frames), rows


def _companion_factor() -> float:
    """Return the slope of the companion's loss (y - theta)^2 over that of the negative log-likelihood, at y = 2."""

    def written(theta: jax.Array) -> jax.Array:
        return (2.0 - theta[0]) ** 2

    def right(theta: jax.Array) -> jax.Array:
        return negative_log_likelihood(FAMILIES["Gaussian"], theta, jnp.asarray(2.0))

    theta = jnp.array([0.5])
    return float((jax.grad(written)(theta) / jax.grad(right)(theta))[0])


def _fit(
    family: Family, features: Float[Array, "n dim"], targets: Float[Array, "n"]
) -> tuple[Fit, Float[Array, "dim"], Float[Array, "dim"]]:
    """Return Newton's fit, the residual of its moments, and the standard errors of its weights."""
    found = newton_fit(family, features, targets)
    residual = moment_residual(family, features, targets, found.weights)
    return found, residual, standard_errors(found, len(targets))


def _fits(seed: int) -> tuple[pd.DataFrame, list[Measure]]:
    """Return Newton's gradients by step, and how far the fits are from scikit-learn's and the planted weights."""
    libraries = {
        "Bernoulli": LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, solver="newton-cholesky"),
        "Poisson": PoissonRegressor(alpha=0, fit_intercept=False, tol=1e-10, solver="newton-cholesky"),
    }
    frames, rows, differences, residuals = [], [], [], []
    for name, library in libraries.items():
        of_features, of_targets = jax.random.split(stream(seed, f"elements.families.{name}"))
        features = jax.random.normal(of_features, (SAMPLES, len(WEIGHTS[name])))
        scores = np.asarray(features) @ WEIGHTS[name]
        # by the inverse of the distribution function: JAX's own sampler of Poisson's law takes seconds to compile
        uniform = np.asarray(jax.random.uniform(of_targets, (SAMPLES,)))
        member = stats.bernoulli(special.expit(scores)) if name == "Bernoulli" else stats.poisson(np.exp(scores))
        targets = member.ppf(uniform).astype(float)
        fit = jax.jit(partial(_fit, FAMILIES[name]))
        found, residual, errors = jax.tree.map(np.asarray, fit(features, jnp.asarray(targets)))
        coefficients = library.fit(np.asarray(features), targets).coef_.ravel()
        differences.append(np.max(np.abs(found.weights - coefficients)))
        residuals.append(np.max(np.abs(residual)))
        rows.append(Measure(quantity=f"newton_minus_scikit_learn_{name}", value=float(differences[-1])))
        rows.append(Measure(quantity=f"moment_residual_{name}", value=float(residuals[-1])))
        planted = np.array(WEIGHTS[name])
        z = np.abs(found.weights - planted) / errors
        rows.append(Measure(quantity=f"largest_z_of_planted_{name}", value=float(np.max(z))))
        steps = np.arange(len(found.gradients))
        frames.append(_curve(name, "gradient", "Newton", steps, found.gradients))
        frames.append(_curve(name, "weights", "Newton", planted, found.weights))
        frames.append(_curve(name, "weights", "scikit-learn", planted, coefficients))
    rows.append(Measure(quantity="newton_minus_scikit_learn", value=float(max(differences))))
    rows.append(Measure(quantity="moment_residual", value=float(max(residuals))))
    return pd.concat(frames), rows
