"""One writer per run: refused by name while it lives, and never in the way once it is dead."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys

import pytest
from tests.unit.storage.test_store import a_run, ids, opened

from tau2.errors import ConfigError
from tau2.storage import lock as lock_module
from tau2.storage.lock import RunLock

HOLDS = """
import sys
from pathlib import Path
from tau2.storage.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def holder(path) -> subprocess.Popen[str]:
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], env=settings,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "held\n"
    return child


def ended(child: subprocess.Popen[str]) -> None:
    child.stdin.close()
    child.stdout.close()
    child.wait(10)


def test_a_second_process_is_refused_and_told_who_holds_the_run(tmp_path):
    child = holder(tmp_path / "run.lock")
    with pytest.raises(
        ConfigError, match=rf"another process writes this run \(process {child.pid} on .* since 20"
    ):
        opened(tmp_path)
    assert not (tmp_path / "results.json").exists()
    ended(child)
    opened(tmp_path).finish()


def test_the_lock_dies_with_its_owner(tmp_path):
    child = holder(tmp_path / "run.lock")
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    assert (tmp_path / "run.lock").exists()
    opened(tmp_path).finish()
    ended(child)
    assert not (tmp_path / "run.lock").exists()


def test_a_second_store_of_the_same_process_is_refused_too(tmp_path):
    first = opened(tmp_path)
    with pytest.raises(ConfigError, match=f"process {os.getpid()} on"):
        opened(tmp_path, resume=True)
    first.save(a_run())
    first.finish()
    assert ids(tmp_path) == ["create_task_1-0"]


def test_a_store_that_nobody_knows_any_more_holds_nothing(tmp_path):
    opened(tmp_path)
    gc.collect()
    opened(tmp_path, resume=True).close()
    opened(tmp_path, resume=True).close()


def test_a_run_that_is_refused_is_not_held(tmp_path):
    opened(tmp_path).finish()
    for _ in range(2):
        with pytest.raises(ConfigError, match="holds a run already"):
            opened(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning"
)  # Python 3.12 fears forks of threaded processes
def test_a_forked_worker_does_not_hold_the_run(tmp_path):
    lock = RunLock(tmp_path / "run.lock")
    reading, writing = os.pipe()
    ready, started = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.write(started, b"!")
        os.read(reading, 1)
        lock.release()
        os._exit(0)
    assert os.read(ready, 1) == b"!"
    lock.forget()  # what the death of the owner does
    lock_module._held.discard(lock)
    RunLock(tmp_path / "run.lock").release()
    for handle in (writing, reading, ready, started):
        os.close(handle)
    assert os.waitpid(child, 0)[1] == 0


def test_a_holder_that_leaves_takes_its_file_along(tmp_path, monkeypatch):
    path, real, tried = tmp_path / "run.lock", lock_module._take, []

    def late(handle: int) -> None:
        if not tried:
            path.unlink()  # the holder left between our open and our lock
        tried.append(handle)
        real(handle)

    monkeypatch.setattr(lock_module, "_take", late)
    with RunLock(path):
        assert len(tried) == 2
        assert path.exists()


def test_where_there_are_no_locks_the_run_goes_on_and_says_so(tmp_path, monkeypatch, caplog):
    def none_here(_handle: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock_module, "_take", none_here)
    with RunLock(tmp_path / "run.lock"):
        assert "a second writer is not noticed" in caplog.text


@pytest.mark.parametrize(
    "note", [b"", b"[]", b"{", b'{"pid": "x", "host": 1, "since": 2}', b"\xff" * 9000]
)
def test_a_note_that_cannot_be_read_is_no_problem(tmp_path, note):
    path = tmp_path / "run.lock"
    with RunLock(path):
        path.write_bytes(note)
        with pytest.raises(ConfigError, match="which one is not known"):
            RunLock(path)
