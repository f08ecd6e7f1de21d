# What the rules of alignment.smk are about: arms, networks, and which files belong to them.

from perspectives.alignment.arms import arms, network_name
from perspectives.alignment.settings import LaboratoriesSettings, NetworkSettings

A = SETTINGS.alignment
# Parts of the settings: what a rule does not use must not make it stale.
LABORATORIES = LaboratoriesSettings.model_validate(
    A.model_dump(include=set(LaboratoriesSettings.model_fields))
)
ARMS = arms(LABORATORIES)
NETWORKS = {
    network_name(arm.training): NetworkSettings.model_validate(
        arm.training.model_dump(include=set(NetworkSettings.model_fields))
    )
    for arm in ARMS.values()
}
A_RUNS = f"{RESULTS}/alignment/runs"
A_TABLES = f"{RESULTS}/alignment/tables"
REFERENCE = next(name for name, arm in ARMS.items() if arm.role == "reference")
# What the first data set's laboratory varies at its reference width.
VARIED = {
    arm.role
    for arm in ARMS.values()
    if arm.training.dataset == A.datasets[0]
    and arm.training.width == ARMS[REFERENCE].training.width
}
VARIATIONS = [
    name
    for name, roles in (
        ("prior", {"prior"}),
        ("temperature", {"temperature", "cold"}),
        ("augmentation", {"family", "augmentation"}),
    )
    if roles & VARIED
]


wildcard_constraints:
    arm="|".join(map(re.escape, ARMS)),
    network="|".join(map(re.escape, NETWORKS)),
    member=r"\d+",
    first=r"\d+",
    second=r"\d+",


def of_arm(pattern):
    """Return an input function: `pattern` with the data and symmetries that the wildcard `arm` names."""
    return lambda wildcards: expand(
        pattern,
        network=network_name(ARMS[wildcards.arm].training),
        allow_missing=True,
    )


def images_of(wildcards):
    return data(ARMS[wildcards.arm].training.dataset)


def training_of(wildcards):
    return ARMS[wildcards.arm].training.canonical()


def draws_of(wildcards):
    """Return the draws of a member: more in the reference arms, where losses of 16 and of 64 draws are compared."""
    many = 64 if ARMS[wildcards.arm].role == "reference" else 1
    return str(max(A.evaluation.draws, many))


def of_pairs(pattern):
    """Return `pattern` for every pair of every arm."""
    return [
        pattern.format(arm=name, first=first, second=second)
        for name, arm in ARMS.items()
        for first, second in arm.pairs
    ]
