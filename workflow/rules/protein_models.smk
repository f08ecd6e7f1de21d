# What the rules of protein.smk are about: tasks, whose models, which predictor guides, and which files belong to them.

P = SETTINGS.protein
P_RUNS = f"{RESULTS}/protein/runs"
P_TABLES = f"{RESULTS}/protein/tables"
P_TASKS = {name: getattr(P, name) for name in P.tasks}
P_GB1 = [name for name in P_TASKS if name.startswith("gb1")]
P_AAV = [name for name in P_TASKS if name.startswith("aav")]
P_RELEASED = [name for name, task in P_TASKS.items() if "released" in task.sources]
# Strength, gradient steps and prior steps are varied on the first task of a landscape.
P_MAPPED = [name for name in P_TASKS if name in ("gb1_default", "aav_medium")]
P_MODELS = f"{P_RUNS}/{{task}}/{{source}}_{{member}}"
P_OWN = f"{P_RUNS}/{{task}}/own_{{member}}"
P_GIVEN = f"{P_RUNS}/{{task}}/released"
P_ARM = f"{P_MODELS}/{{predictor}}"
P_NAME = "{task}_{source}_{member}_{predictor}"


wildcard_constraints:
    task="|".join(P_TASKS),
    source="own|released",
    predictor="unsmoothed|smoothed",
    member=r"\d+",


def protein_arms(pattern, tasks=tuple(P_TASKS)):
    """Return `pattern` for every predictor, member and source of `tasks`."""
    return [
        pattern.format(task=name, source=source, member=member, predictor=predictor)
        for name in tasks
        for source in P_TASKS[name].sources
        for member in range(P_TASKS[name].seeds)
        for predictor in P_TASKS[name].predictors
    ]


def protein_first(pattern, tasks=tuple(P_TASKS)):
    """Return `pattern` for the first arm of each task."""
    return [
        pattern.format(
            task=name,
            source=P_TASKS[name].sources[0],
            member=0,
            predictor=P_TASKS[name].predictors[0],
        )
        for name in tasks
    ]


def protein_base_of(task, member=0):
    """Return the base set: drawn for each member from GB1, the same for all members elsewhere."""
    if task.startswith("gb1"):
        return f"{P_RUNS}/{task}/own_{member}/base.csv"
    if task.startswith("gfp"):
        return f"data/protein/{task}.csv"
    return f"{P_RUNS}/{task}/base.csv"


def protein_base(wildcards):
    """Return the base set of the wildcards `task` and, where there is one, `member`."""
    return protein_base_of(wildcards.task, wildcards.get("member", 0))


def protein_folder(wildcards):
    """Return where the models lie: those trained here are of a member, the released ones of all."""
    member = f"own_{wildcards.member}" if wildcards.source == "own" else "released"
    return f"{P_RUNS}/{wildcards.task}/{member}"


def protein_model(name):
    """Return an input function for the model `name`, which may be the wildcard `predictor`."""
    return (
        lambda wildcards: f"{protein_folder(wildcards)}/{name.format(predictor=wildcards.predictor)}.npz"
    )


def protein_oracles(wildcards):
    """Return the oracles of a task's landscape."""
    if wildcards.task.startswith("gb1"):
        return f"{P_RUNS}/gb1/oracles.npz"
    return f"{P_RUNS}/{wildcards.task}/released/oracles.npz"


def protein_fitted(wildcards):
    """Return what a predictor is fitted to."""
    if wildcards.predictor == "unsmoothed":
        return protein_base(wildcards)
    return f"{P_RUNS}/{wildcards.task}/own_{wildcards.member}/smoothed.csv"


def protein_setting(part=None, **update):
    """Return a params function: the settings of the wildcard's task, or a part of them, as canonical text."""

    def text(wildcards):
        settings = P_TASKS[wildcards.task]
        settings = getattr(settings, part) if part else settings
        return settings.model_copy(update=update).canonical()

    return text


def protein_qualities(task):
    """Return what the trainings of a task say about themselves."""
    own = [
        f"{P_RUNS}/{task}/own_{member}/{name}_quality.csv"
        for member in range(P_TASKS[task].seeds)
        for name in ("autoencoder", *(["predictor"] if task.startswith("gb1") else []))
    ]
    # What smoothing does is shown wherever it is done, and on GB1's first member in any case.
    smoothed = (
        range(P_TASKS[task].seeds) if "smoothed" in P_TASKS[task].predictors else ()
    )
    if task == "gb1_default":
        smoothed = smoothed or (0,)
    return own + [
        f"{P_RUNS}/{task}/own_{member}/smoothing_quality.csv" for member in smoothed
    ]
