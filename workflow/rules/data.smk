# Raw data, uncompressed, below data/: from the mirror, the web, a package or a Debian package, by digest.

from perspectives.workbench.digests import corrupted
from perspectives.workbench.manifest import read_manifest
from perspectives.workbench.sources import explain_missing, missing_offline

MIRROR = SETTINGS.data.mirror or os.environ.get("PERSPECTIVES_MIRROR")
MANIFEST = "workflow/data.yaml"
FETCH = "--offline" if SETTINGS.data.offline else ""
if MIRROR:
    if not Path(MIRROR).is_dir():
        raise WorkflowError(
            f"data.mirror = '{MIRROR}' is not a folder. Set in config.yaml, with --config or in PERSPECTIVES_MIRROR."
        )
    FETCH += f" --mirror {shlex.quote(MIRROR)}"

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
        "Data files are not what the manifest says:\n" + "\n".join(map(str, BAD))
    )


def data(dataset):
    """Return the paths of a dataset's files; offline, say which of them cannot be had."""
    entries = [entry for entry in DATA.values() if entry.dataset == dataset]
    missing = (
        missing_offline(entries, Path("data"), mirror=MIRROR and Path(MIRROR))
        if SETTINGS.data.offline
        else []
    )
    if missing:
        raise WorkflowError(explain_missing(missing, MIRROR and Path(MIRROR)))
    return [f"data/{entry.path}" for entry in entries]


rule fetch:
    # Stale when the digest that we want changes, and by nothing else: no edit of ours should load gigabytes again.
    input:
        manifest=ancient(MANIFEST),
    output:
        file="data/{dataset}/{name}",
    log:
        f"{LOGS}/data/{{dataset}}/{{name}}.log",
    benchmark:
        f"{BENCHMARKS}/data/{{dataset}}/{{name}}.tsv"
    params:
        sha256=lambda wildcards: DATA[f"{wildcards.dataset}/{wildcards.name}"].sha256,
    shell:
        command(
            "workbench.fetch",
            dataset="{wildcards.dataset:q}",
            name="{wildcards.name:q}",
        )
        + " {FETCH}"
