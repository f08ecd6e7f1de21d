import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from planted_runs import VERIFIER, pack, verify

from perspectives.workbench.archive import MANIFEST, run_of, source_files, write_archive
from perspectives.workbench.errors import UserError


@pytest.fixture
def packed(planted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(planted)
    return pack(planted)


@pytest.fixture
def folder(packed: Path, tmp_path: Path) -> Path:
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path / "extracted", filter="data")
    return tmp_path / "extracted" / "perspectives-default"


def test_equal_results_give_equal_bytes(packed: Path, planted: Path) -> None:
    before = packed.read_bytes()
    for file in planted.rglob("*"):
        os.utime(file, (0, 0))  # times of files are not content
    (planted / "results" / "default" / "logs" / "workbench").mkdir()
    (planted / "results" / "default" / "logs" / "workbench" / "archive.log").write_text("the archiving job's own log")
    assert pack(planted).read_bytes() == before


def test_archive_and_folder_verify(packed: Path, folder: Path) -> None:
    manifest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    for target in (packed, folder):
        result = verify(target, manifest)
        assert result.returncode == 0, result.stderr
        assert manifest in result.stdout
    assert subprocess.run(["sh", "verify.sh", "."], cwd=folder, capture_output=True).returncode == 0
    for sums, place in ((MANIFEST, folder), ("perspectives-default.sha256", packed.parent)):
        assert subprocess.run(["sha256sum", "--strict", "--quiet", "-c", sums], cwd=place).returncode == 0


def test_archive_holds_what_a_reviewer_needs(folder: Path) -> None:
    for name in (
        "Snakefile", "LICENSE", "ro-crate-metadata.json", "verify.sh", "workflow/data.yaml",
        "results/default/claims.csv",
        "results/default/settings.json", "results/default/highres/figures/lyapunov.png",
        "results/default/logs/highres/race.provenance.json", "results/default/benchmarks/highres/race.tsv",
    ):  # fmt: skip
        assert (folder / name).is_file(), name
    assert not (folder / "results" / "default" / "archive").exists()


def test_changed_byte_fails(folder: Path) -> None:
    claims = folder / "results" / "default" / "claims.csv"
    claims.write_bytes(claims.read_bytes().replace(b"not reproduced", b"yes reproduced", 1))
    result = verify(folder)
    assert result.returncode == 1
    assert "changed: results/default/claims.csv" in result.stderr


def test_missing_file_fails(folder: Path) -> None:
    (folder / "LICENSE").unlink()
    result = verify(folder)
    assert result.returncode == 1
    assert "missing: LICENSE" in result.stderr


@pytest.mark.parametrize("name", ["extra.txt", "results/.hidden", "with space", "line\nbreak", "LICENSE\nSnakefile"])
def test_extra_file_fails(folder: Path, name: str) -> None:
    (folder / name).write_text("")
    result = verify(folder)
    assert result.returncode == 1
    assert name.split("\n")[0] in result.stderr


def test_symbolic_link_in_a_folder_fails(folder: Path) -> None:
    (folder / "LICENSE").rename(folder.parent / "LICENSE")
    (folder / "LICENSE").symlink_to(folder.parent / "LICENSE")
    assert "not a plain file: ./LICENSE" in verify(folder).stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0].replace(lines[0][0], "1" if lines[0][0] == "0" else "0", 1), *lines[1:]],
        lambda lines: ["z" + lines[0][1:], *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: [lines[0], *lines],
        lambda lines: [*lines, f"{'0' * 64}  never-there"],
        lambda lines: [f"{lines[0]}x", *lines[1:]],
        lambda lines: [],
    ],
    ids=["digest", "no digest", "removed", "twice", "added", "renamed", "all"],
)
def test_changed_manifest_line_fails(folder: Path, change) -> None:
    manifest = folder / MANIFEST
    lines = change(manifest.read_text().splitlines())
    manifest.write_text("".join(f"{line}\n" for line in lines))
    assert verify(folder).returncode == 1


def test_file_and_manifest_changed_together_fail_against_the_digest(folder: Path) -> None:
    manifest = folder / MANIFEST
    before = hashlib.sha256(manifest.read_bytes()).hexdigest()
    old = hashlib.sha256((folder / "LICENSE").read_bytes()).hexdigest()
    (folder / "LICENSE").write_text("another")
    manifest.write_text(manifest.read_text().replace(old, hashlib.sha256(b"another").hexdigest()))
    assert verify(folder).returncode == 0  # nothing inside the folder can tell
    assert "the manifest's digest is" in verify(folder, before).stderr


def test_tampered_archive_fails(packed: Path, folder: Path) -> None:
    (folder / "Snakefile").write_text("rule evil:\n")
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(folder, arcname="perspectives-default")
    assert "digest is not the one" in verify(packed).stderr
    (packed.parent / "perspectives-default.sha256").unlink()
    assert "changed: Snakefile" in verify(packed).stderr


@pytest.mark.parametrize("name", ["../escape", "/tmp/escape", "perspectives-default/a/../../b", "other-top/file"])
def test_unsafe_member_is_refused_before_extraction(packed: Path, tmp_path: Path, name: str) -> None:
    hostile = tmp_path / "hostile.tar.gz"
    with tarfile.open(packed) as old, tarfile.open(hostile, "w:gz") as new:
        for member in old:
            new.addfile(member, old.extractfile(member))
        new.addfile(tarfile.TarInfo(name), io.BytesIO())
    result = verify(hostile)
    assert result.returncode == 1
    assert "unsafe names" in result.stderr or "more than one top folder" in result.stderr


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    hostile = tmp_path / "hostile.tar.gz"
    entry = tarfile.TarInfo("perspectives-default/LICENSE")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with tarfile.open(hostile, "w:gz") as tar:
        tar.addfile(entry)
    assert "links or devices" in verify(hostile).stderr


def test_truncated_archive_fails(packed: Path) -> None:
    (packed.parent / "perspectives-default.sha256").unlink()
    packed.write_bytes(packed.read_bytes()[:-2000])
    assert "NOT VERIFIED" in verify(packed).stderr


def test_verifier_needs_no_python(packed: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in (
        "sh",
        "tar",
        "gzip",
        "sha256sum",
        "sort",
        "uniq",
        "find",
        "sed",
        "awk",
        "grep",
        "mktemp",
        "rm",
        "mkdir",
        "wc",
        "tr",
    ):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    assert verify(packed, path=str(tools)).returncode == 0


def test_source_is_what_git_tracks(planted: Path) -> None:
    (planted / "notes-to-self.txt").write_text("private")
    (planted / "src").mkdir()
    (planted / "src" / "code.py").write_text("")
    assert "notes-to-self.txt" in source_files(planted)  # no checkout: every file of the known places
    subprocess.run(["git", "init", "-q"], cwd=planted, check=True)
    subprocess.run(["git", "add", "Snakefile", "src", "workflow"], cwd=planted, check=True)
    found = source_files(planted)
    assert {"Snakefile", "src/code.py", "workflow/data.yaml"} <= set(found)
    assert "notes-to-self.txt" not in found


@pytest.mark.parametrize("name", ["a b", "a'b", "a\nb", "ä"])
def test_name_that_needs_quoting_is_refused(planted: Path, tmp_path: Path, name: str) -> None:
    run = run_of([_record()], "default")
    with pytest.raises(UserError, match="quoting"):
        write_archive(
            tmp_path / "a.tar.gz", {name: planted / "LICENSE"}, run, verifier=VERIFIER, settings=name, data=name
        )


def test_symbolic_link_is_refused(planted: Path, tmp_path: Path) -> None:
    (planted / "link").symlink_to("/etc/passwd")
    with pytest.raises(UserError, match="symbolic link"):
        write_archive(
            tmp_path / "a.tar.gz",
            {"link": planted / "link"},
            run_of([_record()], "default"),
            verifier=VERIFIER,
            settings="link",
            data="link",
        )


def test_run_spans_its_jobs_and_admits_uncommitted_changes() -> None:
    run = run_of([_record(), _record(started="2026-01-01T00:00:00+00:00", dirty=True)], "default")
    assert (run.started, run.ended) == ("2026-01-01T00:00:00+00:00", "2026-11-22T10:01:00+00:00")
    assert run.commit == "abc, abc with uncommitted changes"


def test_packing_again_changes_nothing_in_the_run() -> None:
    packing = _record() | {"step": "workbench.archive", "ended": "2026-12-01T00:00:00+00:00"}
    assert run_of([_record(), packing], "default") == run_of([_record()], "default")


def test_results_without_provenance_are_refused() -> None:
    with pytest.raises(UserError, match="no provenance records"):
        run_of([], "default")


def _record(started: str = "2026-11-22T10:00:00+00:00", dirty: bool = False) -> dict:
    packages = {"snakemake": "9.27.1"}
    return {
        "step": "highres.race",
        "started": started,
        "ended": "2026-11-22T10:01:00+00:00",
        "commit": "abc",
        "dirty": dirty,
        "packages": packages,
    }
