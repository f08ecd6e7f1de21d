"""The archive's machine-readable description: a Workflow Run RO-Crate, profile 0.5, of RO-Crate 1.1."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.person import Person
from rocrate.rocrate import ROCrate

METADATA = "ro-crate-metadata.json"
WORKFLOW = "Snakefile"
LICENCE = "https://spdx.org/licenses/Apache-2.0"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_MEDIA_TYPES = {
    "csv": "text/csv", "html": "text/html", "json": "application/json", "md": "text/markdown",
    "npz": "application/zip", "pdf": "application/pdf", "png": "image/png", "py": "text/x-python", "rst": "text/x-rst",
    "toml": "application/toml", "tsv": "text/tab-separated-values", "yaml": "application/yaml",
}  # fmt: skip
_RESULTS = ("csv", "html", "npz", "pdf", "png", "rst")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the crate says of one file: its size in bytes and the SHA-256 of its content."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the workflow, as its provenance records tell it; times in ISO 8601 with their zone."""

    preset: str
    started: str
    ended: str
    commit: str
    snakemake: str


def metadata(files: Mapping[str, Content], run: Run, *, settings: str, data: str) -> str:
    """Return the crate's JSON-LD text: equal files and an equal run give equal text.

    `settings` and `data` are the names, among `files`, of the resolved settings and the data manifest. The run is one
    CreateAction: its instrument is the Snakefile, its objects are settings and data manifest, its result is tables and
    figures.
    """
    crate = ROCrate(version="1.1")
    crate.name = f"Variational Perspectives, preset {run.preset}"
    crate.description = (
        f"Source, locked environment, settings, results, logs and data manifest of one run at preset {run.preset}. "
        "MANIFEST.sha256 holds the digest of every file; verify.sh checks them."
    )
    crate.datePublished = run.ended  # the library's own default is the clock
    crate.license = crate.add(
        ContextEntity(crate, LICENCE, {"@type": "CreativeWork", "name": "Apache License 2.0", "identifier": LICENCE})
    )
    for identifier, (name, version) in _PROFILES.items():
        crate.add(ContextEntity(crate, identifier, {"@type": "CreativeWork", "name": name, "version": version}))
    crate.root_dataset["conformsTo"] = [{"@id": identifier} for identifier in _PROFILES]

    entities = {
        name: crate.add_file(dest_path=name, properties=_properties(name, content))
        for name, content in sorted(files.items())
        if name != WORKFLOW
    }
    workflow: Any = crate.add_workflow(
        dest_path=WORKFLOW,
        main=True,
        lang="snakemake",
        lang_version=run.snakemake,
        properties=_properties(WORKFLOW, files[WORKFLOW])
        | {"name": "Variational Perspectives", "version": run.commit, "license": {"@id": LICENCE}},
    )
    results = [
        entity
        for name, entity in entities.items()
        if name.startswith(f"results/{run.preset}/") and name.rsplit(".", 1)[-1] in _RESULTS
    ]
    workflow["input"] = [
        _slot(crate, "settings", "resolved settings", [entities[settings]]),
        _slot(crate, "data", "data manifest", [entities[data]]),
    ]
    workflow["output"] = _slot(crate, "results", "tables, figures and arrays", results)
    operator: Any = crate.add(Person(crate, "#operator", {"name": "Operator of the run; the records name no person"}))
    run_action = crate.add_action(
        workflow,
        identifier="#run",
        object=[entities[settings], entities[data]],
        result=results,
        properties={
            "name": f"Run at preset {run.preset}",
            "startTime": run.started,
            "endTime": run.ended,
            "description": "Every step of the workflow; benchmarks and logs of each are in the crate.",
            "actionStatus": "http://schema.org/CompletedActionStatus",
            "agent": {"@id": operator.id},
        },
    )
    crate.root_dataset["mentions"] = run_action
    return json.dumps(_sorted(crate.metadata.generate()), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _properties(name: str, content: Content) -> dict[str, str]:
    media_type = _MEDIA_TYPES.get(name.rsplit(".", 1)[-1], "text/plain")
    return {"name": name, "contentSize": str(content.size), "sha256": content.sha256, "encodingFormat": media_type}


def _slot(crate: ROCrate, name: str, description: str, examples: list[Any]) -> Any:
    """Return the formal parameter `name`, linked with the files that took its place in this run."""
    slot: Any = crate.add_formal_parameter(name, "File", identifier=f"#{name}", description=description)
    slot["workExample"] = examples if len(examples) > 1 else examples[0]
    for example in examples:
        example["exampleOfWork"] = slot
    return slot


def _sorted(document: dict[str, Any]) -> dict[str, Any]:
    graph = sorted(document["@graph"], key=lambda entity: entity["@id"])
    return document | {"@graph": graph}
