import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from unruly_server import unruly_server

from perspectives.workbench.downloads import Patience, Unavailable, alone, download

CONTENT = bytes(range(256)) * 1200  # 300 kB: several chunks, so that a break leaves something to resume from
HALF = len(CONTENT) // 2
QUICK = Patience(stall_seconds=0.3, attempts=3, pause_seconds=0.01)


@pytest.fixture
def web(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with unruly_server() as server:
        yield server


@pytest.fixture
def file(tmp_path):
    return tmp_path / "file"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("behaviour", ["serve", "chunked"])
def test_a_download_is_what_the_server_has(web, file, behaviour):
    told = []
    url = web.serve("/file", CONTENT, behaviour)
    assert download(url, file, patience=QUICK, progress=lambda done, total, /, **_: told.append((done, total)))
    assert file.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert names(file.parent) == ["file"]


@pytest.mark.parametrize("trouble", ["truncate", "stall"])
def test_a_broken_transfer_resumes_by_range_where_it_stopped(web, file, trouble):
    url = web.serve("/file", CONTENT, trouble, "serve")
    assert not download(url, file, patience=QUICK)
    assert file.read_bytes() == CONTENT
    assert web.ranges("/file") == [None, f"bytes={HALF}-"]
    assert names(file.parent) == ["file"]


def test_a_server_that_has_no_byte_to_give_serves_nothing(web, file):
    url = web.serve("/file", b"", "serve")  # it answers 416, though no range was asked for
    with pytest.raises(Unavailable, match="cannot resume at byte 0"):
        download(url, file, patience=QUICK)
    assert names(file.parent) == []


def test_a_server_that_ignores_ranges_is_read_from_the_start(web, file):
    url = web.serve("/file", CONTENT, "truncate", "ignore range")
    assert download(url, file, patience=QUICK)  # whole: nothing of the first transfer was kept
    assert file.read_bytes() == CONTENT


@pytest.mark.parametrize("kept", [b"longer than the file is now", CONTENT[:5]], ids=["past the end", "miscounted"])
def test_what_cannot_be_resumed_is_dropped_and_got_anew(web, file, kept):
    content = CONTENT[:10]
    file.with_name("file.part").write_bytes(kept)
    url = web.serve("/file", content, "miscount", "serve")
    assert download(url, file, patience=QUICK)
    assert file.read_bytes() == content


def test_a_download_that_was_complete_when_killed_needs_no_byte_more(web, file):
    file.with_name("file.part").write_bytes(CONTENT)
    assert not download(web.serve("/file", CONTENT), file, patience=QUICK)
    assert file.read_bytes() == CONTENT


def test_attempts_are_bounded_and_what_came_is_kept_to_resume_from(web, file):
    url = web.serve("/file", CONTENT, "truncate")
    with pytest.raises(Unavailable, match=r"closed after \d+ of 307200 bytes; gave up after 3 attempts, \d+ bytes are"):
        download(url, file, patience=QUICK)
    assert names(file.parent) == ["file.part"]
    web.script["/file"] = ["serve"]
    assert not download(url, file, patience=QUICK)
    assert file.read_bytes() == CONTENT


def test_a_stall_is_named_with_its_length(web, file):
    begin = time.monotonic()
    with pytest.raises(Unavailable, match=r"stalled: nothing came for 0\.2 s; gave up after 2 attempts"):
        download(web.serve("/file", CONTENT, "stall"), file, patience=Patience(stall_seconds=0.2, attempts=2))
    assert time.monotonic() - begin < 5  # two stalls of 0.2 s and a pause of 1 s, on a busy machine


@pytest.mark.parametrize("code", [403, 404])
def test_a_refusal_is_final_at_once_and_leaves_nothing(web, file, code):
    with pytest.raises(Unavailable, match=f"the server answered {code}"):
        download(web.serve("/file", b"", code), file, patience=QUICK)
    assert len(web.asked) == 1
    assert names(file.parent) == []


def test_a_passing_trouble_of_the_server_is_tried_again(web, file):
    download(web.serve("/file", CONTENT, 503, 429, "serve"), file, patience=QUICK)
    assert file.read_bytes() == CONTENT


def test_redirects_are_followed(web, file):
    web.serve("/there", CONTENT)
    download(web.serve("/file", b"", "-> /there"), file, patience=QUICK)
    assert file.read_bytes() == CONTENT


def test_an_unreachable_server_is_final_at_once(file):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    begin = time.monotonic()
    with pytest.raises(Unavailable, match="no connection"):
        download(f"http://127.0.0.1:{port}/file", file, patience=Patience(pause_seconds=60.0))
    assert time.monotonic() - begin < 30  # not one pause


def test_a_download_killed_half_way_is_resumed_by_the_next_process(web, file):
    url = web.serve("/file", CONTENT, "stall", "serve")
    code = "import sys, pathlib; from perspectives.workbench.downloads import download; "
    code += "download(sys.argv[1], pathlib.Path(sys.argv[2]))"
    part = file.with_name("file.part")
    process = subprocess.Popen([sys.executable, "-c", code, url, str(file)])
    try:
        deadline = time.monotonic() + 30
        while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = part.stat().st_size
    assert 0 < kept < len(CONTENT)
    download(url, file, patience=QUICK)
    assert file.read_bytes() == CONTENT
    assert web.ranges("/file") == [None, f"bytes={kept}-"]


def test_only_one_at_a_time_works_on_a_file(file):
    inside, most = 0, 0

    def work():
        nonlocal inside, most
        for _ in range(20):
            with alone(file):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0005)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert os.listdir(file.parent) == []
