"""The summary: one HTML page that holds all a reviewer needs to see first, and asks the network for nothing."""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from perspectives.workbench import wording
from perspectives.workbench.captions import to_html
from perspectives.workbench.claims import Verdict
from perspectives.workbench.costs import Cost
from perspectives.workbench.errors import UserError
from perspectives.workbench.tables import Row

CLASSES = {
    Verdict.REPRODUCED: "good",
    Verdict.NOT_REPRODUCED: "bad",
    Verdict.INCONCLUSIVE: "open",
    Verdict.NOT_TESTABLE: "mute",
}
"""Style class of each verdict."""
_WIDE = 1000  # pixels: a figure of one column has 680 at 200 dpi, one of two columns 1400


def summary(
    template: str,
    *,
    preset: str,
    claims: Sequence[Row],
    laws: Sequence[Row],
    findings: Sequence[Row],
    figures: Mapping[str, tuple[bytes, str]],
    costs: Sequence[Cost],
    provenance: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
) -> str:
    """Return the page; `figures` holds by `<study>/<figure>` the PNG and the caption in RST."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        preset=preset,
        studies=wording.by_study(claims),
        counts=wording.counts(claims),
        total=len(claims),
        failing=[row for row in claims if row["verdict"] == Verdict.NOT_REPRODUCED],
        laws=laws,
        laws_sentence=wording.laws_sentence(laws),
        findings=findings,
        figures=[{"id": name, "caption": to_html(caption), **_image(png)} for name, (png, caption) in figures.items()],
        costs=costs,
        seconds=sum(cost.seconds for cost in costs),
        runs=runs(provenance),
        settings=json.dumps(settings, indent=2, sort_keys=True),
        words=wording,
        classes=CLASSES,
        Verdict=Verdict,
    )


def _image(png: bytes) -> dict[str, Any]:
    """Return source, size and place of an image. **Raises**: UserError when it is no PNG."""
    if png[:8] != b"\x89PNG\r\n\x1a\n" or png[12:16] != b"IHDR":
        raise UserError("a figure of the summary is not a PNG image.")
    width, height = struct.unpack(">II", png[16:24])
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    return {"source": source, "width": width, "height": height, "wide": width > _WIDE}


def paired(images: Sequence[Path], captions: Sequence[Path]) -> dict[str, tuple[bytes, str]]:
    """Return image and caption by `<study>/<figure>`, in the images' order.

    They lie at `<study>/figures/<figure>.png` and `<study>/captions/<figure>.rst`.

    **Raises**: UserError naming the files without a partner.
    """
    texts = {_name(path): path for path in captions}
    names = [_name(path) for path in images]
    lonely = sorted(set(names) ^ set(texts))
    if lonely:
        raise UserError(f"figures and captions do not match; without a partner: {', '.join(lonely)}.")
    return {name: (path.read_bytes(), texts[name].read_text()) for name, path in zip(names, images, strict=True)}


def _name(path: Path) -> str:
    return f"{path.parent.parent.name}/{path.stem}"


def runs(provenance: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what the page's foot says of the run: when, from which commit, on what; several values are listed."""
    if not provenance:
        return {}
    said = {
        "First job started": min(record["started"] for record in provenance),
        "Last job ended": max(record["ended"] for record in provenance),
        "Commit": _listed(
            f"{record['commit'] or 'not a git checkout'}{' with uncommitted changes' if record['dirty'] else ''}"
            for record in provenance
        ),
        "Python": _listed(record["python"] for record in provenance),
        "Platform": _listed(record["platform"] for record in provenance),
        "JAX devices": _listed(record["device"] for record in provenance if record["device"] != "none"),
    }
    packages = {(name, version) for record in provenance for name, version in record["packages"].items()}
    return said | {"Packages": _listed(f"{name} {version}" for name, version in packages)}


def _listed(values: Any) -> str:
    return ", ".join(sorted(set(values)))
