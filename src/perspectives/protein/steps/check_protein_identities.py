"""Check identities of the networks, of the flow and of guidance: the laws."""

from perspectives.protein.identities import (
    euler_difference,
    normal_transport_error,
    order_of_split_scheme,
    parameter_count_errors,
    random_unet,
)
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output


def check_protein_identities(*, measures: Output) -> None:
    """Write the error of each law; that of parameters over all networks, and of each."""
    counts = parameter_count_errors()
    laws = {
        "parameter_count_error": float(sum(map(abs, counts.values()))),
        "euler_difference": euler_difference(random_unet()),
        "normal_transport_error": normal_transport_error(),
        "guidance_order": order_of_split_scheme(),
    }
    parts = {f"parameter_count_error_{name}": float(error) for name, error in counts.items()}
    write_measures(measures, [Measure(quantity=name, value=value) for name, value in (laws | parts).items()])
