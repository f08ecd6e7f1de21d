# Resolved settings, the folder of results, the command and the staleness of a step, the data: what all rules use.

import json
import os
import sys

try:
    from perspectives.suite.settings import read_config, resolve
    from perspectives.workbench import closure
    from perspectives.workbench.digests import corrupted
    from perspectives.workbench.errors import UserError
    from perspectives.workbench.manifest import read_manifest
    from perspectives.workbench.results import damaged
    from perspectives.workbench.settings import overlay
    from perspectives.workbench.sources import explain_missing, missing_offline
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"{error}. Run `make setup`, then activate the environment: . .venv/bin/activate"
    )

# Every step runs in the environment that runs Snakemake, activated or not.
os.environ.update(
    PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
)

try:
    # Snakemake's `configfile:` would not say which file is malformed. --configfile and --config lie over it.
    SETTINGS = resolve(
        overlay(read_config(Path("config.yaml")), config),
        Path(workflow.basedir) / "workflow" / "presets",
    )
except UserError as error:
    raise WorkflowError(str(error))

# Where data come from is the machine's affair and changes no result.
RESULT_SETTINGS = json.dumps(
    SETTINGS.model_dump(mode="json", exclude={"data", "stale_on_environment"}),
    sort_keys=True,
)
RESULTS = f"results/{SETTINGS.preset}"
for folder in (Path("results"), Path(".snakemake"), *Path(RESULTS).rglob("*/")):
    if folder.exists() and not os.access(folder, os.W_OK):
        raise WorkflowError(
            f"The folder {folder.resolve()} is read-only; the workflow writes there."
        )
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
GPU = int(SETTINGS.device == "gpu")

# Each study adds to these.
MEASURES = []
FIGURES = []


def module(name):
    """Return the module of the step `<study>.<step>`."""
    study, step = name.split(".")
    return f"perspectives.{study}.steps.{step}"


def command(name, /, *optional, device="cpu", **verbatim):
    """Return the shell command of a step, its options read off the step's signature.

    A parameter annotated Input, Output or neither is the rule's input, output or param of the same name. One with a
    default is left out unless named in `optional`. What `verbatim` gives as text is no param: it makes nothing stale.
    `exec` makes Snakemake the step's parent, so that the step ends when Snakemake is killed.
    """
    options = []
    for parameter, (annotation, required) in closure.parameters(module(name)).items():
        if annotation == "Progress" or not (
            required or parameter in optional or parameter in verbatim
        ):
            continue
        kind = (
            "input"
            if "Input" in annotation
            else "output" if "Output" in annotation else "params"
        )
        value = verbatim.get(parameter, f"{{{kind}.{parameter}:q}}")
        options.append(f"--{parameter.replace('_', '-')} {value}")
    job = f"--threads {{threads}} --device {device} --log {{log:q}} --end-with-parent"
    return f"exec python -m perspectives {name.replace('.', ' ')} {' '.join(options)} {job}"


def stale(name, /, **values):
    """Return the params that decide when a step is stale: its source, and its settings as canonical text."""
    if SETTINGS.stale_on_environment:
        values["environment"] = environment()
    return {
        "source": closure.digest(module(name)),
        **{key: _text(value) for key, value in values.items()},
    }


def _text(value):
    # Snakemake drops other types from its comparison without a word.
    if hasattr(value, "canonical"):
        return value.canonical()
    assert isinstance(value, (str, int, float, bool)), f"not comparable: {value!r}"
    return value


def environment():
    """Return the digest of the locked environment."""
    import hashlib

    lock = Path(workflow.basedir) / "requirements" / "cpu.txt"
    return f"environment:{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"


def figure(study, name):
    """Return a figure's outputs: the PNG for the report with its caption, the PDF, and the plotted numbers."""
    stem = f"{RESULTS}/{study}/figures/{name}"
    caption = os.path.abspath(f"{RESULTS}/{study}/captions/{name}.rst")
    shown = report(
        f"{stem}.png", caption=caption, category=study, labels={"figure": name}
    )
    return {"png": shown, "pdf": f"{stem}.pdf", "csv": f"{stem}.csv"}


MIRROR = SETTINGS.data.mirror or os.environ.get("PERSPECTIVES_MIRROR")
MIRROR = MIRROR and Path(MIRROR)
# The environment carries to the fetching jobs what is no param of theirs: whence a file comes does not change it.
if MIRROR:
    os.environ.update(PERSPECTIVES_MIRROR=str(MIRROR))
if SETTINGS.data.offline:
    os.environ.update(PERSPECTIVES_OFFLINE="1")
MANIFEST = "workflow/data.yaml"
if MIRROR and not MIRROR.is_dir():
    raise WorkflowError(
        f"data.mirror = '{MIRROR}' is not a folder. Set in config.yaml, with --config or in PERSPECTIVES_MIRROR."
    )

try:
    DATA = {
        entry.path: entry
        for dataset in read_manifest(Path(MANIFEST)).values()
        for entry in dataset.files
    }
except (UserError, OSError) as error:
    raise WorkflowError(f"{MANIFEST}: {error}")
BAD = corrupted(DATA.values(), Path("data"))
if BAD:
    raise WorkflowError(
        "Data files are not what the manifest says; delete them and run again:\n"
        + "\n".join(map(str, BAD))
    )

# `make` has their jobs run again.
if not os.environ.get("PERSPECTIVES_LOCK_HELD"):
    CHANGED = [bad for wrong in damaged(Path(RESULTS)).values() for bad in wrong]
    if CHANGED:
        raise WorkflowError(
            "Results are not what their jobs wrote; `make reproduce` makes them again:\n"
            + "\n".join(map(str, CHANGED))
        )


def data(dataset):
    """Return the paths of a dataset's files; offline, say which of them cannot be had."""
    entries = [entry for entry in DATA.values() if entry.dataset == dataset]
    missing = (
        missing_offline(entries, Path("data"), mirror=MIRROR)
        if SETTINGS.data.offline
        else []
    )
    if missing:
        raise WorkflowError(explain_missing(missing, MIRROR))
    return [f"data/{entry.path}" for entry in entries]
