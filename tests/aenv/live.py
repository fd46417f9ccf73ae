"""The environment server as its users run it: AEnvironment's local mode, in a process of its own.

AEnvironment's client knows one port (8081) and one address (DUMMY_INSTANCE_IP): one server at a
time on a machine.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "aenv" / "builtin-envs" / "tau2"
GUIDE_COMMAND = "python aenv/examples/tau2_rl/agent.py --domain {domain} --task_id {task_id}"
HOST, PORT = "127.0.0.1", 8081
TOKEN = "a-token-of-the-tests"
_PATIENCE = 120.0  # seconds for the first import of AEnvironment
_QUIET = {
    "FASTMCP_SHOW_CLI_BANNER": "false",
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "PYTHONWARNINGS": "ignore",
}


def is_taken() -> bool:
    """Return whether something answers at the port that AEnvironment's client knows."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, PORT)) == 0


def start(folder: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the environment server; its log goes to a file in `folder`."""
    if is_taken():
        raise RuntimeError(f"port {PORT} is taken, and AEnvironment's local mode knows no other")
    command = [sys.executable, "-m", "aenv.main", str(SERVER), "--host", HOST, "--port", str(PORT)]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env=_environment(variables), stdout=log, stderr=log
        )


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TAU2_")}
    return {**plain, **_QUIET, "TAU2_SERVER_TOKEN": TOKEN, **variables}


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[None]:
    """Serve the tau2 environment while the block lasts."""
    server = start(folder, {"TAU2_USER": "scripted_user", **variables})
    try:
        _wait_until_healthy(server, folder)
        yield
    finally:
        end(server)


def _wait_until_healthy(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if post("/health", method="GET")["data"]["status"] in {"success", "healthy"}:
                return
        except (OSError, ValueError, KeyError):
            time.sleep(0.2)
    said = (folder / "server.log").read_text(encoding="utf-8", errors="replace")
    raise RuntimeError(f"the environment server did not start:\n{said[-2000:]}")


def end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def post(path: str, arguments: Mapping[str, Any] | None = None, *, method: str = "POST") -> Any:
    """Return what the server answers to a call of one of its functions."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
    try:
        body = None if method == "GET" else json.dumps(arguments or {})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        connection.request(method, path, body, headers)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def play(
    domain: str, task_id: str, base_url: str, *options: str, **variables: str
) -> dict[str, Any]:
    """Run the guide's command line against a model at `base_url` and return the outcome."""
    command = shlex.split(GUIDE_COMMAND.format(domain=domain, task_id=shlex.quote(task_id)))
    model = {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "key", "DUMMY_INSTANCE_IP": HOST}
    done = subprocess.run(
        [sys.executable, *command[1:], "--json", *options],
        cwd=ROOT,
        env=_environment({**model, **variables}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if not done.stdout:
        raise RuntimeError(f"the agent said nothing:\n{done.stderr[-2000:]}")
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


class Scheduler(BaseHTTPRequestHandler):
    """As much of AEnvironment's scheduler as its client asks for: an instance is a server process
    of its own."""

    folder: Path
    created: list[dict[str, Any]]
    deleted: list[str]
    running: list[subprocess.Popen[bytes]]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.created.append(request)
        self.running.append(start(self.folder, request["environment_variables"]))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self.deleted.append(self.path.rpartition("/")[2])
        end(self.running.pop())
        self._answer()

    def _answer(self) -> None:
        now = "2026-01-01T00:00:00.000+00:00"
        instance = {
            "id": "one",
            "status": "Running",
            "ip": HOST,
            "created_at": now,
            "updated_at": now,
        }
        body = json.dumps({"success": True, "data": instance}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def scheduling(folder: Path) -> Iterator[type[Scheduler]]:
    """Serve a scheduler while the block lasts, at the one port that AEnvironment's client knows."""
    kind = type(
        "OneScheduler",
        (Scheduler,),
        {"folder": folder, "created": [], "deleted": [], "running": []},
    )
    with ThreadingHTTPServer((HOST, 8080), kind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield kind
        finally:
            server.shutdown()
            thread.join()
            for left in kind.running:
                end(left)
