"""`make test-tinker`: TinkerModel against a real Tinker-compatible server, on a CPU, in an
environment of its own.

The environment is made once, in $TINKER_VENV or `build/tinker-venv`; it needs Python 3.11 and about
3 GB. Later runs take two to three minutes, most of them for the server's compiler.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]
_VENV = Path(os.environ.get("TINKER_VENV") or _ROOT / "build" / "tinker-venv")
_PYTHON = _VENV / "bin" / "python"
_PACKAGES = (
    "skyrl[tinker,jax]==0.3.0",
    "tinker==0.18.0",
    "orjson",
)  # this SDK speaks the JSON that this server reads
_TORCH = "torch==2.13.0+cpu"  # first, so that nothing brings the much larger one
_PATIENCE = 180.0


def environment() -> None:
    """Make the environment unless it is there."""
    done = _VENV / ".complete"
    if done.exists():
        return
    python = shutil.which("python3.11")
    if python is None:
        sys.exit(
            "make test-tinker needs python3.11: the CPU build of torch that it pins is made for it"
        )
    subprocess.run([python, "-m", "venv", str(_VENV)], check=True)
    for wanted in ([_TORCH], [*_PACKAGES, _TORCH], ["--editable", str(_ROOT)]):
        subprocess.run([str(_PYTHON), "-m", "pip", "install", "--quiet", *wanted], check=True)
    done.touch()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen) -> None:
    """Return when the server answers; give up when it ends or takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"the server ended with status {server.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(1.0)
    sys.exit(f"the server did not answer within {_PATIENCE:.0f} s")


def main() -> int:
    """Serve a tiny model, train it through the service, end the server; return the exit status."""
    environment()
    settings = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "TINKER_API_KEY": "tml-local",
        "TINKER_TELEMETRY": "0",
    }
    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / "tiny"
        subprocess.run(
            [str(_PYTHON), "-m", "act_prm.llm_handlers.tiny", str(model)], check=True, env=settings
        )
        port = free_port()
        command = [
            str(_PYTHON),
            str(_HERE / "serve.py"),
            "api",
            f"--port={port}",
            f"--base-model={model}",
        ]
        command += ['--backend-config={"max_lora_adapters": 3, "max_lora_rank": 8}']
        command += [
            f"--checkpoints-base={place}/checkpoints",
            f"--database-url=sqlite:///{place}/tinker.db",
        ]
        server = subprocess.Popen(command, env=settings, start_new_session=True)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/api/v1/healthz", server)
            played = [str(_PYTHON), str(_HERE / "play.py"), url, str(model)]
            return subprocess.run(played, check=False, env=settings).returncode
        finally:
            server.terminate()
            server.wait(timeout=60)


if __name__ == "__main__":
    sys.exit(main())
