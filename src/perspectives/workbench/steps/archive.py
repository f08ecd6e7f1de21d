"""Pack a run into one archive that a reviewer can check."""

import hashlib
import logging
from pathlib import Path

from perspectives.workbench import archive as archives
from perspectives.workbench import costs
from perspectives.workbench.step import Input, Output


def archive(*, preset: str, settings: Input, data: Input, verifier: Input, packed: Output, digest: Output) -> None:
    """Write the archive of a preset's results, and beside it the digest of the archive for sha256sum -c.

    It is called at the repository's root and takes in all it finds below results/PRESET, so what should be in the
    archive is made before. The manifest's digest is in the log: verify.sh prints the same.
    """
    root = Path.cwd()
    results = root / "results" / preset
    manifest = archives.write_archive(
        packed,
        archives.source_files(root) | archives.result_files(root, results),
        archives.run_of(costs.provenance(results / "logs"), preset),
        verifier=verifier,
        settings=settings.as_posix(),
        data=data.as_posix(),
    )
    with packed.open("rb") as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest()
    digest.write_text(f"{whole}  perspectives-{preset}.tar.gz\n")
    logging.getLogger("workbench.archive").info("digest of MANIFEST.sha256: %s", manifest)
