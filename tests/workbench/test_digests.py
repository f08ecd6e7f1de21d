import hashlib
import os
import time

import pytest

from perspectives.workbench import digests
from perspectives.workbench.digests import corrupted
from perspectives.workbench.manifest import DataFile

CONTENT = b"the content that the manifest means"
LONG_AGO_NS = 10**18


class Data:
    """A data folder with one file, old enough to be remembered."""

    def __init__(self, root):
        self.root = root / "data"
        self.file = self.root / "some-data" / "file"
        self.cache = root / "cache" / "digests.json"
        self.file.parent.mkdir(parents=True)
        self.write(CONTENT)
        self.entry = DataFile.model_validate(
            {
                "dataset": "some-data",
                "name": "file",
                "bytes": len(CONTENT),
                "sha256": hashlib.sha256(CONTENT).hexdigest(),
                "sources": [{"kind": "url", "url": "https://example.org/file"}],
            }
        )

    def write(self, content):
        self.file.write_bytes(content)
        os.utime(self.file, ns=(LONG_AGO_NS, LONG_AGO_NS))

    def check(self):
        return corrupted([self.entry], self.root, self.cache)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "_SETTLED_NS", 0)  # else the tests would have to wait until a file counts as old
    return Data(tmp_path)


@pytest.fixture
def hashed(monkeypatch):
    """Return the list of files that are hashed."""
    true, seen = hashlib.file_digest, []

    def digest(stream, name):
        seen.append(stream.name)
        return true(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", digest)
    return seen


def test_a_sound_file_is_hashed_once_and_then_remembered(data, hashed):
    assert [data.check() for _ in range(3)] == [[], [], []]
    assert len(hashed) == 1


def test_an_absent_file_is_not_corrupted(data):
    data.file.unlink()
    assert data.check() == []


@pytest.mark.parametrize("remembered", [False, True])
def test_a_flipped_byte_is_found_even_with_size_and_time_of_change_restored(data, remembered):
    if remembered:
        assert data.check() == []
        time.sleep(0.02)  # past the file system's clock tick, which _SETTLED_NS covers in earnest
    data.write(CONTENT[:-1] + b"!")
    (found,) = data.check()
    assert found.path == data.file
    assert found.expected == f"sha256 {data.entry.sha256}"
    assert found.got == hashlib.sha256(CONTENT[:-1] + b"!").hexdigest()
    assert str(data.file) in str(found)
    assert len(data.check()) == 1  # a bad file stays bad when its digest is remembered


def test_a_replaced_file_is_hashed_anew(data, hashed):
    data.check()
    other = data.file.with_name("other")
    other.write_bytes(CONTENT)
    os.utime(other, ns=(LONG_AGO_NS, LONG_AGO_NS))
    os.replace(other, data.file)
    assert data.check() == []
    assert len(hashed) == 2


def test_a_file_of_another_size_is_found_without_hashing(data, hashed):
    data.write(CONTENT[:5])
    (found,) = data.check()
    assert (found.expected, found.got) == ("35 bytes", "5 bytes")
    assert hashed == []


def test_a_folder_in_the_file_s_place_is_found(data):
    data.file.unlink()
    data.file.mkdir()
    assert [found.got for found in data.check()] == ["something else"]


def test_a_file_just_written_is_not_remembered(data, hashed, monkeypatch):
    monkeypatch.setattr(digests, "_SETTLED_NS", 10**12)
    assert [data.check(), data.check()] == [[], []]
    assert len(hashed) == 2


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"x": 1}'])
def test_a_broken_memory_costs_only_time(data, text):
    data.cache.parent.mkdir()
    data.cache.write_text(text)
    assert data.check() == []


def test_a_memory_that_cannot_be_written_costs_only_time(data):
    data.cache.parent.write_text("a file where the folder should be")
    assert data.check() == []


def test_nothing_is_left_beside_the_memory(data):
    data.check()
    assert os.listdir(data.cache.parent) == [data.cache.name]
