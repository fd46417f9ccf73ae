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
from tau2.storage.lock import RunLock

HOLDS = """
import sys
from pathlib import Path
from tau2.storage.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def started(script: str, path) -> subprocess.Popen[str]:
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path)], env=settings,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def holder(path) -> subprocess.Popen[str]:
    child = started(HOLDS, path)
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


FORKS = """
import os, sys, warnings
from pathlib import Path
from tau2.storage.lock import RunLock
warnings.simplefilter("ignore")
lock = RunLock(Path(sys.argv[1]))
if os.fork() == 0:
    lock.release()
    print("forked", os.getpid(), flush=True)
    os.read(0, 1)  # outlives its parent
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_worker_does_not_hold_the_run(tmp_path):
    path = tmp_path / "run.lock"
    with started(FORKS, path) as owner:
        assert owner.stdout.readline().startswith("forked")
        assert path.exists()  # the child's `release` is not the owner's
        with pytest.raises(ConfigError, match=f"process {owner.pid} on"):
            RunLock(path)
        owner.kill()
        owner.wait(10)
        RunLock(path).release()
        owner.stdin.close()  # the child ends


TAKES_TURNS = """
import sys
from pathlib import Path
from tau2.errors import ConfigError
from tau2.storage.lock import RunLock
folder, turns = Path(sys.argv[1]), 0
while turns < 100:
    try:
        with RunLock(folder / "run.lock"):
            (folder / "alone").touch(exist_ok=False)
            (folder / "alone").unlink()
            turns += 1
    except ConfigError:
        pass
print("done")
"""


def test_holders_that_come_and_go_never_overlap(tmp_path):
    with started(TAKES_TURNS, tmp_path) as one, started(TAKES_TURNS, tmp_path) as other:
        assert [one.stdout.readline(), other.stdout.readline()] == ["done\n", "done\n"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the file of a holder")
def test_a_holder_that_leaves_takes_its_file_along(tmp_path, monkeypatch):
    import fcntl

    path, real, tried = tmp_path / "run.lock", fcntl.flock, []

    def late(handle: int, how: int) -> None:
        if not tried:
            path.unlink()  # the holder left between our open and our lock
        tried.append(handle)
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with RunLock(path):
        assert len(tried) == 2
        assert path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has locks on every file system")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_there_are_no_locks_the_run_goes_on_and_says_so(
    tmp_path, monkeypatch, caplog, number
):
    import fcntl

    def none_here(_handle: int, _how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", none_here)
    with RunLock(tmp_path / "run.lock"):
        assert "a second writer is not noticed" in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "note", [b"", b"[]", b"{", b'{"pid": "x", "host": 1, "since": 2}', b"\xff" * 9000]
)
def test_a_note_that_cannot_be_read_is_no_problem(tmp_path, note):
    path = tmp_path / "run.lock"
    with RunLock(path):
        (tmp_path / "run.owner").write_bytes(note)
        with pytest.raises(ConfigError, match="which one is not known"):
            RunLock(path)


def test_the_note_of_a_killed_owner_refuses_nobody(tmp_path):
    path = tmp_path / "run.lock"
    child = holder(path)
    child.kill()
    child.wait(10)
    assert str(child.pid) in (tmp_path / "run.owner").read_text()
    with RunLock(path):
        assert str(os.getpid()) in (tmp_path / "run.owner").read_text()
    ended(child)
