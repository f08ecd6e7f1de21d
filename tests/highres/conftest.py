"""One small logistic regression for all tests of the deterministic methods, so that its solves compile once."""

import jax
import pytest

from perspectives.highres.problems import LogisticRegression, newton_minimiser, planted_logistic

MU = 0.05


@pytest.fixture(scope="session")
def logistic() -> LogisticRegression:
    return planted_logistic(40, 3, MU, key=jax.random.key(0))


@pytest.fixture(scope="session")
def minimiser(logistic: LogisticRegression) -> jax.Array:
    return newton_minimiser(logistic)
