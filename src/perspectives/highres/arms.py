"""The arms of Fig. 2 as data: names, labels, constants of the released script. Evaluation and plots need no more."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

MethodName = Literal["sgd", "svrg", "nnag", "nnag_svrg", "nnag_a15", "nnag_svrg_epoch_reset"]

PAPERS: tuple[MethodName, ...] = ("sgd", "svrg", "nnag", "nnag_svrg")
"""The four methods that Fig. 2 draws."""

LABELS: Mapping[MethodName, str] = MappingProxyType(
    {
        "sgd": "SGD",
        "svrg": "SVRG",
        "nnag": "NNAG",
        "nnag_svrg": "NNAG+SVRG",
        "nnag_a15": "NNAG, a = 15",
        "nnag_svrg_epoch_reset": "NNAG+SVRG, reset each epoch",
    }
)

STEP = 0.01
"""Step of SGD and of SVRG, default of the released training script's command line."""
NNAG_C, NNAG_A = 0.05, 150.0
"""c and a = beta / sqrt(L) of NNAG, defaults of the same."""
MIXTURE_C, MIXTURE_A = 0.001, 30.0
"""The same for NNAG+SVRG."""
