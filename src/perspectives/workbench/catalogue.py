"""The manifest of data as people read it: a listing for who fills a mirror, the table of docs/data.md."""

from collections.abc import Mapping

from perspectives.workbench.manifest import Dataset, DebianSource, PackageSource, UrlSource, WheelSource


def listing(datasets: Mapping[str, Dataset]) -> str:
    """Return one tab-separated line a file, with a header: all that someone who fills a mirror needs."""
    lines = ["dataset\tfile\tbytes\tsha256\tlicence\tsources"]
    for name, dataset in datasets.items():
        for file in dataset.files:
            sources = " | ".join(str(source) for source in file.sources)
            lines.append("\t".join([name, file.name, str(file.bytes), file.sha256, dataset.licence, sources]))
    return "\n".join(lines)


def markdown_table(datasets: Mapping[str, Dataset]) -> str:
    """Return the table of datasets that stands in docs/data.md."""
    rows = ["| dataset | what it is | files | size | licence | where from |", "|---|---|---|---|---|---|"]
    for name, dataset in datasets.items():
        size = _size(sum(file.bytes for file in dataset.files))
        what = f"{dataset.title}. {dataset.citation}"
        cells = [f"`{name}`", what, str(len(dataset.files)), size, dataset.licence, _origin(dataset)]
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows)


def _origin(dataset: Dataset) -> str:
    """Return the dataset's sources without paths, each once: hosts, wheels, packages."""
    found = []
    for file in dataset.files:
        for source in file.sources:
            match source:
                case UrlSource():
                    found.append(source.url.split("/")[2])
                case WheelSource():
                    found.append(f"wheel {source.requirement}")
                case DebianSource():
                    found.append(f"Debian {source.package}")
                case PackageSource():
                    found.append(f"installed {source.package}")
    return ", ".join(dict.fromkeys(found))


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
