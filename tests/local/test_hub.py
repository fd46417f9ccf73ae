"""The real client of the model hub, against a hub on the loopback interface."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.unit.llm.local.registry import CONTENT

pytest.importorskip("huggingface_hub", reason="needs the extra `local`")

_GET = """
from tests.unit.llm.local.registry import small_model
from tau2.llm.local import fetch
from tau2.llm.local.catalog import HubFile
model = small_model(HubFile("small-lab/Small-1K-GGUF", "small-1k.gguf", "a" * 40))
fetch._SPARE = 0
print(fetch.fetch(model, "hub", progress=lambda _: None, say=print))
"""


@contextmanager
def hub_with(content: bytes) -> Iterator[str]:
    """Yield the address of a hub that has one file."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            wanted = f"/small-lab/Small-1K-GGUF/resolve/{'a' * 40}/small-1k.gguf"
            is_there = self.path == wanted and "authorization" not in self.headers
            self.send_response(200 if is_there else 404)
            body = content if is_there else b""
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", "a" * 40)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def get(endpoint: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Fetch in a process of its own: the client reads its settings when it is imported."""
    root = Path(__file__).parents[2]
    own = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "0",  # other tests of this process may have set it
        "HF_TOKEN": "not-a-word-42",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")]),
        "TAU2_MODELS_DIR": str(folder / "models"),
    }
    return subprocess.run(
        [sys.executable, "-c", _GET],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_weights_come_from_the_hub_without_a_token(tmp_path: Path) -> None:
    with hub_with(CONTENT) as endpoint:
        ended = get(endpoint, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "models" / "small.gguf").read_bytes() == CONTENT
    assert "small-1k.gguf from small-lab/Small-1K-GGUF on the model hub" in ended.stdout
    assert sorted(path.name for path in (tmp_path / "models").glob("small.gguf*")) == [
        "small.gguf",
        "small.gguf.verified",
    ]


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    with hub_with(bytes(len(CONTENT))) as endpoint:
        ended = get(endpoint, tmp_path)
    assert ended.returncode != 0
    assert "what came is not the published file" in ended.stderr
    assert not (tmp_path / "models" / "small.gguf").exists()


def test_a_hub_where_nobody_answers_is_said_at_once(tmp_path: Path) -> None:
    ended = get("http://127.0.0.1:9", tmp_path)
    assert ended.returncode != 0
    assert "it cannot be reached" in ended.stderr
