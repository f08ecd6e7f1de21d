"""Faults in what is read: configurations, checkpoints, arrays, data from elsewhere, archives."""

import gzip
import hashlib
import io
import lzma
import pickle
import random
import shutil
import string
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from planted_runs import verify
from torch_pickles import (
    GOOD,
    SIX,
    Command,
    archive,
    call,
    dictionary,
    name,
    storage,
    tensor,
    text,
)  # fmt: skip
from trials import Ending, Ground, refused
from unruly_server import unruly_server

from perspectives.suite.settings import Settings, read_config, resolve
from perspectives.workbench.archive import MANIFEST
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.downloads import Patience
from perspectives.workbench.errors import UserError
from perspectives.workbench.manifest import DataFile
from perspectives.workbench.sources import fetch
from perspectives.workbench.torch_files import read_checkpoint

PRESETS = Path(__file__).parents[2] / "workflow" / "presets"


# --- Configurations


def config(rng: random.Random, ground: Ground) -> Ending:
    """A random configuration is valid, or refused by a message that names a key of it."""
    file = ground.place() / "config.yaml"
    file.write_bytes(_configuration(rng))
    try:
        settings = resolve(read_config(file), PRESETS)
    except UserError as error:
        return refused(str(error), "config.yaml")
    assert isinstance(settings, Settings)
    settings.canonical()
    return Ending.RECOVERED


def config_at_the_command(rng: random.Random, ground: Ground) -> Ending:
    """The same through the command that `make` calls."""
    checkout = ground.fresh()
    file = checkout.folder / "config.yaml"
    file.write_bytes(_configuration(rng))
    run = checkout.run(sys.executable, "workflow/run.py", "unlock")
    if run.returncode == 0:
        resolve(read_config(file), PRESETS)
        return Ending.RECOVERED
    return refused(run.stdout + run.stderr, "config.yaml")


def _configuration(rng: random.Random) -> bytes:
    kind = rng.choice(["settings"] * 4 + ["text", "bytes", "bomb", "deep"])
    if kind == "settings":
        return yaml.dump(_overrides(rng), allow_unicode=rng.random() < 0.5).encode()
    if kind == "text":
        return rng.choice(
            ["seed: 2001-99-99", "seed: &a [*a]", "&a {seed: *a}", "{[a]: b}", "? {a: b}\n: c", "seed: 0x" + "f" * 5000,
             "seed: " + "9" * 5000, "seed: !!python/object/apply:os.system [touch canary]", "a: 1\n---\nb: 2", "- a",
             "seed: =", "seed: 1:60:99", "preset: [smoke", "3: 4", "? \n: 1", "seed: !!binary 7", "preset: &p {p: *p}",
             "highres: &h {race: *h}", "seed: .nan", "highres: {flow: {points: .inf}}", "seed: !!set {a, b}",
             "<<: 3", "<<: [{seed: -1}]", '"\\ud800": 1', "seed: 2001-12-14t21:59:43.10-05:00", "\tseed: 1"]
        ).encode()  # fmt: skip
    if kind == "bytes":
        return rng.randbytes(rng.randrange(200))
    if kind == "bomb":  # each list holds the last one nine times
        key = rng.choice(["seed", "preset", "highres", "new"])
        levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'lol'}]" for i in range(rng.randrange(5, 30))]
        return "\n".join([*levels, f"{key}: *a{len(levels) - 1}"]).encode()
    return (b"seed: " + rng.choice([b"[", b"{a: "]) * rng.choice([10, 500, 20_000])) + b"\n"


def _overrides(rng: random.Random) -> dict[Any, Any]:
    """Return a mapping of random keys, known and unknown, at random depths."""
    found: dict[Any, Any] = {}
    for _ in range(rng.randrange(1, 4)):
        here, model = found, Settings
        for _ in range(rng.randrange(1, 5)):
            known = list(getattr(model, "model_fields", ()))
            key = rng.choice(known) if known and rng.random() < 0.85 else _scalar(rng)
            field = model.model_fields.get(key) if known and isinstance(key, str) else None
            inner: Any = field.annotation if field else None
            if rng.random() < 0.3 or not hasattr(inner, "model_fields"):
                here[key] = _value(rng, 3)
                break
            model = inner
            if not isinstance(here.get(key), dict):
                here[key] = {}
            here = here[key]
    return found


def _scalar(rng: random.Random) -> Any:
    return rng.choice(
        [0, 1, -1, 3, 10**18, 10**400, 1e308, float("inf"), float("nan"), 0.5, True, None, "", "smoke", "ß\u202e日本",
         "🦆" * 9, "a\0b", "\n", "../../etc", "%s{0}", "a.b", b"\xff",
         "".join(rng.choices(string.printable, k=rng.randrange(40)))]
    )  # fmt: skip


def _value(rng: random.Random, depth: int) -> Any:
    if depth and rng.random() < 0.3:
        return [_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if depth and rng.random() < 0.3:
        return {_scalar(rng): _value(rng, depth - 1) for _ in range(rng.randrange(4))}
    return _scalar(rng)


# --- Files that want to run code, or to fill memory


def checkpoint(rng: random.Random, ground: Ground) -> Ending:
    """A checkpoint that is not of plain tensors is refused, and nothing of it is run."""
    place = ground.place()
    canary, file = place / "canary", place / "model.ckpt"
    good = dictionary(weight=GOOD)
    shell = text(f"touch {canary}")
    kind = rng.choice(
        ["name", "instance", "stack", "protocol", "raw", "bomb", "path", "cut", "type", "shape", "entries", "bytes"]
    )
    match kind:
        case "name":
            module, function = rng.choice([("os", "system"), ("posix", "system"), ("subprocess", "getoutput")])
            archive(file, call(name(module, function), shell))
        case "instance":
            archive(file, b"(" + shell + b"ios\nsystem\n")
        case "stack":
            archive(file, text("os") + text("system") + b"\x93" + shell + b"\x85R")
        case "protocol":
            archive(file, pickle.dumps({"a": Command(canary)}, rng.randrange(6))[:-1])
        case "raw":
            file.write_bytes(pickle.dumps({"a": Command(canary)}, rng.randrange(6)))
        case "bomb":
            archive(file, good, {"data/1": bytes(rng.randrange(1 << 20, 1 << 24))}, zipfile.ZIP_DEFLATED)
        case "path":
            archive(file, tensor(storage(f"../../{canary}", "FloatStorage", 6), 0, (6,), (1,)))
        case "cut":
            content = archive(file, good).read_bytes()
            file.write_bytes(content[: rng.randrange(len(content))])
        case "type":
            archive(file, dictionary(weight=storage("0", rng.choice(["DoubleStorage", "CharStorage"]), 6)))
        case "shape":
            shape = rng.choice([(7,), (2**31 - 1,), (-1,), (3, 3), (2**30, 2**30)])
            archive(file, dictionary(weight=tensor(storage("0", "FloatStorage", 6), 0, shape, (1,) * len(shape))))
        case "entries":
            archive(file, good)
            with zipfile.ZipFile(file, "a") as more:
                more.writestr(rng.choice(["other/data.pkl", "../data.pkl", f"{place}/data.pkl"]), b"a")
        case _:
            content = archive(file, good).read_bytes()
            place_of_tensor = content.index(SIX.tobytes())
            at = place_of_tensor + rng.randrange(24)
            file.write_bytes(content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1 :])
    return _refuses(read_checkpoint, file, canary)


def arrays(rng: random.Random, ground: Ground) -> Ending:
    """A file of arrays that our own writer did not write is refused, and nothing of it is run."""
    place = ground.place()
    canary, file = place / "canary", place / "groups.npz"
    write_groups(file, {"mean": {"weight": np.arange(64.0), "names": np.array(["a", "b"])}})
    content = file.read_bytes()
    objects = io.BytesIO()
    np.save(objects, np.array([Command(canary)], dtype=object), allow_pickle=True)
    kind = rng.choice(["objects", "inside", "pickle", "cut", "zeros", "byte", "bomb", "header", "member"])
    match kind:
        case "objects":
            file.write_bytes(objects.getvalue())
        case "inside":
            _zip(file, {"mean/weight.npy": objects.getvalue()})
        case "pickle":
            file.write_bytes(pickle.dumps({"a": Command(canary)}, rng.randrange(6)))
        case "cut":
            file.write_bytes(content[: rng.randrange(len(content))])
        case "zeros":
            start = rng.randrange(len(content.rstrip(b"\0")))  # later bytes are zeros already
            file.write_bytes(content[:start] + bytes(len(content) - start))
        case "byte":
            at = content.index(np.arange(64.0).tobytes()) + rng.randrange(512)
            file.write_bytes(content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1 :])
        case "bomb":
            np.savez_compressed(file, weight=np.zeros(rng.randrange(1 << 22, 1 << 25)))
        case "header":
            header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({rng.choice([10**9, 10**13, -3])},), }}"
            _zip(file, {"mean/weight.npy": b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()})
        case _:
            _zip(file, {rng.choice(["mean/weight.txt", "mean/weight", f"{canary}"]): b"plain"})
    return _refuses(read_groups, file, canary)


def _refuses(read: Callable[[Path], Any], file: Path, canary: Path) -> Ending:
    try:
        found = read(file)
    except UserError as error:
        assert not canary.exists(), "code in the file was run"
        return refused(str(error), str(file))
    raise AssertionError(f"accepted, with {found!r:.200}")


def _zip(file: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as packed:
        for member, content in members.items():
            packed.writestr(member, content)


# --- Data from elsewhere


def mirror(rng: random.Random, ground: Ground) -> Ending:
    """A mirror has the right name and other bytes: the next source is taken, or all are named."""
    place = ground.place()
    content = rng.randbytes(rng.randrange(1, 50_000))
    lie = rng.choice([content[:-1], content + b"!", bytes(len(content)), rng.randbytes(len(content)), b""])
    suffix, pack = rng.choice([("", bytes), (".gz", gzip.compress), (".xz", lzma.compress), (".gz", bytes)])
    folder = place / "mirror" / "some-data"
    folder.mkdir(parents=True)
    (folder / f"file.bin{suffix}").write_bytes(pack(lie) if lie != content else b"another")
    with unruly_server() as web:
        good = rng.random() < 0.5
        address = web.serve("/file.bin", content if good else lie)
        return _fetched(place, content, address, good, mirror=place / "mirror")


def server(rng: random.Random, ground: Ground) -> Ending:
    """A web server stalls, cuts short, miscounts, changes bytes or fails, several times in a row."""
    content = rng.randbytes(rng.randrange(1000, 50_000))
    troubles: list[str | int] = ["stall", "truncate", "ignore range", "corrupt", "miscount", "chunked", 404, 500, 503]
    script = rng.choices(troubles, k=rng.randrange(1, 4)) + [rng.choice(["serve", *troubles])]
    with unruly_server() as web:
        return _fetched(ground.place(), content, web.serve("/file.bin", content, *script), None)


def _fetched(place: Path, content: bytes, address: str, served: bool | None, **more: Any) -> Ending:
    """Fetch `content`: it comes whole, or the message says which sources failed and nothing is left."""
    entry = DataFile.model_validate(
        {"dataset": "some-data", "name": "file.bin", "bytes": len(content),
         "sha256": hashlib.sha256(content).hexdigest(), "sources": [{"kind": "url", "url": address}]}
    )  # fmt: skip
    destination = place / "data" / "file.bin"
    quick = Patience(stall_seconds=0.3, attempts=3, pause_seconds=0.01)
    message = ""
    try:
        fetch(entry, destination, cache=place / "cache", patience=quick, **more)
    except UserError as error:
        message = str(error)
    if not message:
        assert destination.read_bytes() == content, "wrong bytes were accepted"
        return Ending.RECOVERED
    assert not served, f"a good source was not taken: {message}"
    assert not destination.exists()
    assert not list(place.rglob("*.partial*"))
    return refused(message, "some-data/file.bin", address)


# --- Archives


def tampering(rng: random.Random, ground: Ground) -> Ending:
    """An archive, or the folder it was unpacked to, was changed: verify.sh refuses it."""
    packed, place = ground.packed, ground.place()
    copy = Path(shutil.copy2(packed, place))
    with tarfile.open(packed) as tar:
        tar.extractall(place, filter="data")
    [folder] = [path for path in place.iterdir() if path.is_dir()]
    manifest = folder / MANIFEST
    told = hashlib.sha256(manifest.read_bytes()).hexdigest()
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != manifest)
    victim = rng.choice(files)
    lines = manifest.read_text().splitlines(keepends=True)
    target: Path = folder
    match rng.choice(["edit", "cut", "remove", "add", "line", "both", "link", "inner link", "tar", "byte", "member"]):
        case "edit":
            content = victim.read_bytes() or b" "
            at = rng.randrange(len(content))
            victim.write_bytes(content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1 :])
        case "cut":
            victim.write_bytes(victim.read_bytes()[:-1] or b"more")
        case "remove":
            victim.unlink()
        case "add":
            (
                victim.parent / rng.choice(["new", ".hidden", "with space", f"{victim.name}\n{victim.name}", "-n", "ä"])
            ).write_bytes(b"")
        case "line":
            at = rng.randrange(len(lines))
            change = rng.choice([[], [lines[at]] * 2, [lines[at].upper()], [lines[at][1:]], [lines[at][:-1] + "x\n"]])
            manifest.write_text("".join([*lines[:at], *change, *lines[at + 1 :]]))
        case "both":
            victim.write_bytes(victim.read_bytes() + b"\n")
            listed = f"  {victim.relative_to(folder)}\n"
            new = hashlib.sha256(victim.read_bytes()).hexdigest()
            manifest.write_text("".join(new + listed if line.endswith(listed) else line for line in lines))
        case "link":
            victim.rename(place / "elsewhere")
            victim.symlink_to(place / "elsewhere")
        case "inner link":
            (victim.parent / "link").symlink_to(rng.choice([folder, Path("/etc/passwd"), Path("..")]))
        case "tar":
            target = copy
            content = copy.read_bytes()
            copy.write_bytes(content[: rng.randrange(len(content))])
        case "byte":
            target = Path(shutil.copy2(packed.parent / "perspectives-default.sha256", place)) and copy
            content = copy.read_bytes()
            at = rng.randrange(len(content))
            copy.write_bytes(content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1 :])
        case _:
            target = copy
            entry = tarfile.TarInfo(rng.choice(["../escape", "/escape", f"{folder.name}/../../escape", "other/file"]))
            if rng.random() < 0.5:
                entry = tarfile.TarInfo(f"{folder.name}/entry")
                entry.type = rng.choice([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
                entry.linkname = rng.choice(["/etc/passwd", "../../escape", f"{folder.name}/LICENSE"])
            with tarfile.open(packed) as old, tarfile.open(copy, "w:gz") as new:
                for member in old:
                    new.addfile(member, old.extractfile(member))
                new.addfile(entry, io.BytesIO())
    run: subprocess.CompletedProcess[str] = verify(target, told)
    assert run.returncode == 1, f"verified, status {run.returncode}: {run.stdout}"
    return refused(run.stderr, "NOT VERIFIED")
