"""Numbers that the paper or its archived files give, as data; plots draw them and evaluations compare with them.

Source of all: the authors' repository at commit 088cc64, folder `NIPS 2023/Data`, deleted later. Fig. 1 was digitised
from the vector paths of `upperbounds.eps` and of the `binary_me_sgd_*.eps` file; Fig. 2 is `save_with_bounds_*.txt`.
"""

from types import MappingProxyType

BOUND_30, BOUND_32, BOUND_LABORDE = "(30)", "(32)", "Laborde"

BOUND_ITERATIONS = (1e4, 1e5, 1e6, 1e7, 10**7.9)
"""k of the digitised values. The curves have a point every 1e4 iterations, so that what they show below 1e4 is a
straight line between the first two points, not the bound."""

BOUNDS = MappingProxyType(
    {
        (100.0, BOUND_30): (0.236, 0.112, 0.0509, 0.0216, 0.0094),
        (100.0, BOUND_32): (1.22, 0.351, 0.105, 0.0324, 0.0113),
        (100.0, BOUND_LABORDE): (0.306, 0.0881, 0.0265, 0.00815, 0.00285),
        (1000.0, BOUND_30): (0.270, 0.143, 0.0763, 0.0404, 0.0224),
        (1000.0, BOUND_32): (12.2, 3.51, 1.05, 0.324, 0.113),
        (1000.0, BOUND_LABORDE): (3.05, 0.877, 0.263, 0.0810, 0.0283),
    }
)
"""Fig. 1a: (L, curve) -> bound at `BOUND_ITERATIONS`."""

INITIAL_DISTANCE = 7.91
"""|x0 - x*|^2 behind Fig. 1a. The paper does not state it; (32) gives 7.907 and Laborde's 7.913, independently."""

INITIAL_LYAPUNOV = MappingProxyType({100.0: 8.12 / 2, 1000.0: 8.15 / 2})
"""E eps(k0) of (30) at k0 = 1, by L; fitted to the same curves, one number for five points."""

RACE_EPOCHS = (1, 5, 10, 20, 50, 100)
"""Epochs of the digitised values of Fig. 1b."""

RACE = MappingProxyType(
    {
        "nnag": (0.124, 0.031, 0.0144, 0.0058, 9.9e-4, None),
        "per_fe_c": (0.58, 0.44, 0.37, 0.28, 0.153, 0.078),
        "perturbed_gd": (0.82, 0.65, 0.59, 0.55, 0.49, 0.45),
        "sgd": (0.025, 0.0035, 0.0010, 0.0018, 0.0014, 0.0019),
        "svrg": (0.42, 0.077, 0.022, 0.0053, None, None),
        "nnag_sgd": (0.046, 0.016, 0.0103, 0.0063, 0.0027, 8.5e-4),
        "nnag_svrg": (0.43, 0.062, 0.015, 0.0021, None, None),
    }
)
"""Fig. 1b: method -> mean of f(x_k) - f(generating point) at `RACE_EPOCHS`; None once the mean is negative."""

DEEP_LOSS_EPOCHS = (1, 10, 20, 50, 100)
DEEP_LOSS = MappingProxyType(
    {
        "sgd": (2.296, 1.341, 1.072, 0.669, 0.283),
        "svrg": (2.296, 1.285, 1.006, 0.624, 0.342),
        "nnag": (1.914, 1.192, 1.053, 0.873, 0.730),
        "nnag_svrg": (2.157, 0.967, 0.679, 0.406, 0.290),
    }
)
"""Fig. 2, left: method -> mean training cross-entropy on CIFAR-10 (nats) at `DEEP_LOSS_EPOCHS`."""

DEEP_ACCURACY_EPOCHS = (1, 20, 50, 100)
DEEP_ACCURACY = MappingProxyType(
    {
        "sgd": (0.166, 0.573, 0.623, 0.601),
        "svrg": (0.167, 0.591, 0.611, 0.574),
        "nnag": (0.350, 0.578, 0.604, 0.606),
        "nnag_svrg": (0.296, 0.607, 0.575, 0.556),
    }
)
"""Fig. 2, right: method -> mean validation accuracy on CIFAR-10 at `DEEP_ACCURACY_EPOCHS`."""
