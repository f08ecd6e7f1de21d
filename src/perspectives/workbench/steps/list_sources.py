"""List every file of data, its digest and where it can be had."""

from typing import Literal

from perspectives.workbench.catalogue import listing, markdown_table
from perspectives.workbench.manifest import read_manifest
from perspectives.workbench.step import Input


def list_sources(*, manifest: Input, style: Literal["tsv", "markdown"] = "tsv") -> None:
    """Print every file of data with size, digest, licence and sources, for someone who fills a mirror.

    Args:
        manifest: The manifest of data, workflow/data.yaml.
        style: One tab-separated line a file, or the table of datasets of docs/data.md.
    """
    datasets = read_manifest(manifest)
    print(listing(datasets) if style == "tsv" else markdown_table(datasets))
