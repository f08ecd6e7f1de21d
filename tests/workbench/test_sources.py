import gzip
import hashlib
import io
import lzma
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
import yaml
from unruly_server import unruly_server

from perspectives.numerics.progress import silent
from perspectives.workbench import archives, sources
from perspectives.workbench.downloads import Patience
from perspectives.workbench.errors import UserError
from perspectives.workbench.manifest import DataFile, read_manifest
from perspectives.workbench.steps.fetch import fetch as fetch_step

CONTENT = bytes(range(256)) * 1200
QUICK = Patience(stall_seconds=0.3, attempts=3, pause_seconds=0.01)
MANIFEST = Path(__file__).parents[2] / "workflow" / "data.yaml"
MIRROR = os.environ.get("PERSPECTIVES_MIRROR")


def entry(*origins, content=CONTENT, name="file.bin"):
    return DataFile.model_validate(
        {
            "dataset": "some-data",
            "name": name,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "sources": origins,
        }
    )


def url(address, **more):
    return {"kind": "url", "url": address, **more}


NOWHERE = {"kind": "package", "package": "perspectives", "member": "no/such/file"}


class Place:
    """A destination, a mirror and a cache of one test."""

    def __init__(self, root):
        self.file = root / "data" / "some-data" / "file.bin"
        self.mirror = root / "mirror"
        self.cache = root / "cache"
        (self.mirror / "some-data").mkdir(parents=True)

    def fetch(self, wanted, **more):
        sources.fetch(wanted, self.file, cache=self.cache, patience=QUICK, **more)

    def left(self):
        """All files that stand at the destination, hidden ones too, and in the cache."""
        return [
            sorted(path.name for path in folder.rglob("*") if path.is_file())
            for folder in (self.file.parents[1], self.cache)
        ]


@pytest.fixture
def web(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with unruly_server() as server:
        yield server


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def sealed(monkeypatch):
    """No socket may be opened and no program started; returns what was tried."""
    tried = []

    def refuse(*arguments, **_):
        tried.append(arguments)
        raise AssertionError(f"offline, yet tried {arguments}")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    return tried


def tarball(**members):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"folder/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def wheel(folder, member, content):
    """Write a wheel that carries one file."""
    with zipfile.ZipFile(folder / "tinydata-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(member, content)
        archive.writestr("tinydata-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n")
        archive.writestr(
            "tinydata-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tinydata-1.0.dist-info/RECORD", "")


# A mirror.


@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress)], ids=["plain", "gz", "xz"]
)
def test_a_mirror_gives_the_content_however_it_is_packed(place, sealed, suffix, pack):
    told = []
    (place.mirror / f"some-data/file.bin{suffix}").write_bytes(pack(CONTENT))
    progress = lambda done, total, /, **_: told.append((done, total))  # noqa: E731
    place.fetch(entry(NOWHERE), mirror=place.mirror, offline=True, progress=progress)
    assert place.file.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert place.left() == [["file.bin"], []]


@pytest.mark.parametrize(
    ("stored", "complaint"),
    [
        (gzip.compress(CONTENT[::-1]), f"expected sha256 {hashlib.sha256(CONTENT).hexdigest()}, got "),
        (gzip.compress(CONTENT[:-1]), r"\(307199 of 307200 bytes\)"),
        (gzip.compress(CONTENT + b"!"), "expected 307200 bytes, got more"),
        (gzip.compress(CONTENT)[:-20], "does not decode"),
        (CONTENT, "does not decode"),
    ],
    ids=["other", "short", "long", "cut", "not gzip"],
)
def test_a_wrong_file_in_the_mirror_is_named_and_leaves_nothing(place, stored, complaint):
    (place.mirror / "some-data/file.bin.gz").write_bytes(stored)
    with pytest.raises(UserError, match=complaint) as caught:
        place.fetch(entry(NOWHERE), mirror=place.mirror)
    for said in ("some-data/file.bin", str(place.mirror / "some-data/file.bin.gz"), "installed package perspectives"):
        assert said in str(caught.value)
    assert place.left() == [[], []]


def test_a_wrong_file_never_replaces_what_stood_there(place):
    (place.mirror / "some-data/file.bin").write_bytes(CONTENT[::-1])
    place.file.parent.mkdir(parents=True)
    place.file.write_bytes(b"before")
    with pytest.raises(UserError):
        place.fetch(entry(NOWHERE), mirror=place.mirror)
    assert place.file.read_bytes() == b"before"


def test_a_wrong_mirror_does_not_keep_the_next_source_from_being_tried(web, place):
    (place.mirror / "some-data/file.bin").write_bytes(b"wrong")
    place.fetch(entry(url(web.serve("/file.bin", CONTENT))), mirror=place.mirror)
    assert place.file.read_bytes() == CONTENT


# The web.


@pytest.mark.parametrize(
    ("path", "pack"),
    [("/f.bin", bytes), ("/f.gz", gzip.compress), ("/f.xz?x=1", lzma.compress)],
    ids=["plain", "gz", "xz"],
)
def test_a_url_gives_the_content_and_nothing_stays_in_the_cache(web, place, path, pack):
    place.fetch(entry(url(web.serve(path, pack(CONTENT)))))
    assert place.file.read_bytes() == CONTENT
    assert place.left() == [["file.bin"], []]


def test_one_member_of_a_tar_is_unpacked_and_the_archive_serves_the_next(web, place):
    address = web.serve("/all.tar.gz", tarball(one=CONTENT, two=CONTENT[::-1], three=b"unwanted"))
    place.fetch(entry(url(address, member="folder/one")))
    assert place.file.read_bytes() == CONTENT
    place.fetch(entry(url(address, member="folder/two"), content=CONTENT[::-1]), offline=True)
    assert place.file.read_bytes() == CONTENT[::-1]
    assert len(web.asked) == 1
    assert [len(files) for files in place.left()] == [1, 1]


def test_jobs_that_want_members_of_one_archive_download_it_once(web, tmp_path):
    address = web.serve("/all.tar.gz", tarball(one=CONTENT, two=CONTENT))
    jobs = [
        threading.Thread(
            target=sources.fetch,
            args=(entry(url(address, member=f"folder/{member}")), tmp_path / member),
            kwargs={"cache": tmp_path / "cache", "patience": QUICK},
        )
        for member in ("one", "two")
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [(tmp_path / member).read_bytes() == CONTENT for member in ("one", "two")] == [True, True]
    assert len(web.asked) == 1


def test_a_member_that_is_not_there_is_an_error_of_that_source(web, place):
    address = web.serve("/all.tar.gz", tarball(one=CONTENT))
    with pytest.raises(UserError, match="has no file folder/two"):
        place.fetch(entry(url(address, member="folder/two")))
    assert place.left() == [[], []]


def test_a_corrupt_download_is_named_with_both_digests_and_leaves_nothing(web, place):
    address = web.serve("/file.bin", CONTENT, "corrupt")
    wrong = hashlib.sha256(bytes(byte ^ 1 for byte in CONTENT)).hexdigest()
    with pytest.raises(
        UserError, match=f"expected sha256 {hashlib.sha256(CONTENT).hexdigest()}, got {wrong}"
    ) as caught:
        place.fetch(entry(url(address)))
    assert address in str(caught.value)
    assert len(web.asked) == 1  # a whole transfer that is wrong is not tried twice
    assert place.left() == [[], []]


def test_a_resumed_download_that_turns_out_wrong_is_got_anew_once(web, place):
    address = web.serve("/file.bin", CONTENT, "truncate")
    with pytest.raises(UserError, match="gave up after 3 attempts"):
        place.fetch(entry(url(address)))
    (part,) = place.cache.iterdir()
    assert part.suffix == ".part"
    part.write_bytes(b"bytes of another version")
    web.script["/file.bin"] = ["serve"]
    place.fetch(entry(url(address)))
    assert place.file.read_bytes() == CONTENT
    assert place.left() == [["file.bin"], []]


def test_a_corrupted_archive_in_the_cache_is_got_anew(web, place):
    address = web.serve("/all.tar.gz", tarball(one=CONTENT))
    wanted = entry(url(address, member="folder/one"))
    place.fetch(wanted)
    (kept,) = place.cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    place.fetch(wanted)
    assert place.file.read_bytes() == CONTENT


def test_the_error_lists_every_source_with_its_reason_and_the_remedy(web, place):
    gone, stalls, wrong = (
        web.serve("/gone", b"", 404),
        web.serve("/stalls", CONTENT, "stall"),
        web.serve("/wrong", b"wrong"),
    )
    with pytest.raises(UserError) as caught:
        place.fetch(entry(url(gone), url(stalls), url(wrong), NOWHERE), mirror=place.mirror / "absent")
    head, mirror, *reasons, package, remedy = str(caught.value).splitlines()
    assert "some-data/file.bin (307,200 bytes, sha256" in head
    assert mirror.endswith("absent: there is no such folder")
    assert f"{gone}: the server answered 404" in reasons[0]
    assert f"{stalls}: stalled: nothing came for 0.3 s" in reasons[1]
    assert f"{wrong}: wrong content" in reasons[2]
    assert package.endswith("not installed")
    assert "Put into the mirror" in remedy
    assert "some-data/file.bin" in remedy


# What is installed, and the package clients.


def test_digits_and_breast_cancer_come_out_of_the_installed_package(tmp_path, sealed):
    datasets = read_manifest(MANIFEST)
    for name in ("digits", "breast-cancer"):
        (wanted,) = datasets[name].files
        sources.fetch(wanted, tmp_path / wanted.path, offline=True, cache=tmp_path / "cache")
        assert (tmp_path / wanted.path).stat().st_size == wanted.bytes
    assert sealed == []


def test_a_wheel_is_had_with_the_package_client_and_its_member_decompressed(place, tmp_path, monkeypatch):
    shop = tmp_path / "shop"
    shop.mkdir()
    wheel(shop, "tinydata/file.bin.gz", gzip.compress(CONTENT))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    source = {"kind": "wheel", "requirement": "tinydata==1.0", "member": "tinydata/file.bin.gz"}
    place.fetch(entry(source))
    assert place.file.read_bytes() == CONTENT
    assert place.left() == [["file.bin"], ["tinydata==1.0.whl"]]
    with pytest.raises(UserError, match="the archive has no member tinydata/other"):
        place.fetch(entry(source | {"member": "tinydata/other"}), offline=True)


def test_a_package_client_that_fails_says_why(place, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    source = {"kind": "wheel", "requirement": "nosuchdata==1.0", "member": "file"}
    with pytest.raises(UserError, match=r"pip download failed: ERROR: .*nosuchdata==1\.0"):
        place.fetch(entry(source))
    assert place.left() == [[], []]


def debian(member):
    return {"kind": "debian", "package": "some-data", "member": str(member)}


def test_an_installed_debian_file_is_used_where_it_is(place, tmp_path, sealed):
    (tmp_path / "installed.gz").write_bytes(gzip.compress(CONTENT))
    place.fetch(entry(debian(tmp_path / "installed.gz")), offline=True)
    assert place.file.read_bytes() == CONTENT


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="builds a Debian package")
def test_a_debian_package_is_downloaded_and_one_file_taken_out(place, tmp_path, monkeypatch):
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True, mode=0o755)
    (tree / "DEBIAN/control").write_text(
        "Package: some-data\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: data\n"
    )
    (tree / "usr/share/some").mkdir(parents=True)
    (tree / "usr/share/some/file.bin.gz").write_bytes(gzip.compress(CONTENT))
    subprocess.run(["dpkg-deb", "--build", str(tree), str(tmp_path / "built.deb")], check=True, capture_output=True)
    tools = tmp_path / "tools"  # stands for apt-get: writes the package into the working folder
    tools.mkdir()
    (tools / "apt-get").write_text(f'#!/bin/sh\nexec cp "{tmp_path}/built.deb" some-data_1_all.deb\n')
    (tools / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    place.fetch(entry(debian("/usr/share/some/file.bin.gz")))
    assert place.file.read_bytes() == CONTENT
    assert place.left() == [["file.bin"], ["some-data.deb"]]
    with pytest.raises(UserError, match=r"has no file \./usr/share/other"):
        place.fetch(entry(debian("/usr/share/other")), offline=True)


def test_without_debian_tools_the_source_is_skipped_with_the_reason(place, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="apt-get is not on this machine, and the package is not installed"):
        place.fetch(entry(debian("/usr/share/no/such/file")))


# Offline.


def test_offline_opens_no_socket_and_names_what_to_put_where(place, sealed):
    wheel_source = {"kind": "wheel", "requirement": "tinydata==1.0", "member": "a"}
    with pytest.raises(UserError) as caught:
        place.fetch(entry(url("http://127.0.0.1:9/file"), wheel_source, debian("/no/such/file")), offline=True)
    assert str(caught.value).count("not tried: offline") == 3
    assert "plain or with .gz or .xz appended: some-data/file.bin; and name that folder" in str(caught.value)
    assert sealed == []
    assert place.left() == [[], []]


def test_all_files_that_offline_cannot_be_had_are_named_before_anything_runs(place, tmp_path, sealed):
    far = url("http://127.0.0.1:9/file")
    (place.mirror / "some-data/in-mirror.xz").write_bytes(b"")
    (tmp_path / "data/some-data").mkdir(parents=True)
    (tmp_path / "data/some-data/here").write_bytes(b"")
    installed = {"kind": "package", "package": "sklearn", "member": "datasets/data/breast_cancer.csv"}
    wanted = [entry(far, name=name) for name in ("missing", "in-mirror", "here", "missing-too")]
    wanted.append(entry(far, installed, name="installed"))
    missing = sources.missing_offline(wanted, tmp_path / "data", mirror=place.mirror, cache=place.cache)
    assert [file.name for file in missing] == ["missing", "missing-too"]
    message = sources.explain_missing(missing, place.mirror)
    assert f"Put into the mirror {place.mirror}" in message
    assert "some-data/missing some-data/missing-too" in message
    assert sealed == []


# A full disk, and being killed.


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device on which every write finds the disk full")
@pytest.mark.parametrize("where", ["destination", "cache"])
def test_a_full_disk_is_said_and_leaves_nothing_at_the_destination(web, place, where):
    address = web.serve("/file.bin", CONTENT)
    wanted = entry(url(address), url(address))
    served = sources._cached(wanted.sources[0], place.cache)  # type: ignore[arg-type]
    full = {"destination": place.file.with_name(".file.bin.partial"), "cache": served.with_name(served.name + ".part")}
    full[where].parent.mkdir(parents=True)
    full[where].symlink_to("/dev/full")
    with pytest.raises(UserError, match="The disk is full"):
        place.fetch(wanted)
    assert len(web.asked) == 1  # the next source would only fill it again
    assert list(place.file.parent.glob("*")) == []


def test_killed_while_it_writes_the_next_fetch_succeeds_and_leaves_nothing_else(place):
    (place.mirror / "some-data/file.bin").write_bytes(CONTENT)
    place.file.parent.mkdir(parents=True)
    place.file.with_name(".file.bin.partial").write_bytes(CONTENT[:1000])  # what a kill leaves
    place.fetch(entry(NOWHERE), mirror=place.mirror)
    assert place.left() == [["file.bin"], []]


# The step.


def written_manifest(folder, wanted):
    """Write a manifest that holds `wanted` alone, and return its path."""
    file = wanted.model_dump(mode="json", exclude={"dataset"}, exclude_none=True)
    dataset = {"title": "t", "licence": "l", "citation": "c", "files": [file]}
    path = folder / "data.yaml"
    path.write_text(yaml.safe_dump({wanted.dataset: dataset}))
    return path


def test_the_step_fetches_what_the_manifest_says(place, tmp_path):
    (place.mirror / "some-data/file.bin.gz").write_bytes(gzip.compress(CONTENT))
    place.file.parent.mkdir(parents=True)
    manifest = written_manifest(tmp_path, entry(NOWHERE))
    fetch_step(
        manifest=manifest, dataset="some-data", name="file.bin", file=place.file,
        mirror=place.mirror, offline=True, progress=silent,
    )  # fmt: skip
    assert place.file.read_bytes() == CONTENT


def test_the_command_fails_with_the_message_alone_and_no_output(tmp_path):
    manifest = written_manifest(tmp_path, entry(NOWHERE))
    command = [sys.executable, "-m", "perspectives", "workbench", "fetch", "--manifest", str(manifest)]
    options = [
        "--dataset",
        "some-data",
        "--name",
        "file.bin",
        "--file",
        str(tmp_path / "data/file"),
        "--offline",
        "--log",
        str(tmp_path / "log"),
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "Cannot get some-data/file.bin" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "data").glob("*")) == []


@pytest.mark.skipif(MIRROR is None, reason="PERSPECTIVES_MIRROR names no mirror")
@pytest.mark.parametrize("dataset", ["highres-published", "libsvm", "protein"])
def test_the_mirror_holds_what_the_manifest_says(dataset):
    assert MIRROR is not None
    for file in read_manifest(MANIFEST)[dataset].files:
        stored = [Path(MIRROR, file.path + suffix) for suffix in archives.SUFFIXES]
        (found,) = [path for path in stored if path.is_file()]
        with archives.opened(found) as stream:
            content = stream.read()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256), file.path
