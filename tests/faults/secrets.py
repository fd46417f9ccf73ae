"""Fifty planted secrets: none is in any file, log or page that the commands write.

    python -m tests.faults.secrets

They are planted where secrets are: in the environment, in the arguments of models, in headers, and
in addresses. The endpoint gives all of them away: in the texts of its errors, in what the model
says, in the arguments of its tool calls, in names of fields. Then a run is played at the DEBUG
level, broken off, resumed, looked at and converted, and everything that was written or printed is
searched, in plain text and as JSON and addresses spell it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.faults.storage import Tally
from tests.stub import StubServer, failing

from tau2.seeds import derive_seed

ROOT = Path(__file__).parents[2]
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_VARIABLES = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "AZURE_API_KEY",
    "MISTRAL_API_KEY",
    "COHERE_API_KEY",
    "HF_TOKEN",
    "GITHUB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "DB_PASSWORD",
    "PGPASSWORD",
    "SERVICE_SECRET",
    "WANDB_API_KEY",
    "GOOGLE_CREDENTIALS",
    "MY_AUTH",
    "SIGNING_KEY",
)
_HEADERS = (
    "Authorization",
    "X-Api-Key",
    "Cookie",
    "X-Auth",
    "Proxy-Authorization",
    "X-Tenant",
    "X-Session",
)
_ARGUMENTS = (
    "azure_ad_token",
    "aws_secret_access_key",
    "vertex_credentials",
    "client_secret",
    "password",
)
_STYLES = ("sk-{}", "{}", "sk-proj-{}", "Zq.{}/+=", "tok_{}", 'quote"{}\\end')


@dataclass
class Planted:
    """What was planted, and where."""

    rng: random.Random
    where: dict[str, str] = field(default_factory=dict)
    """Place to secret."""

    def new(self, place: str, styles: tuple[str, ...] = _STYLES) -> str:
        text = "".join(self.rng.choice(_LETTERS) for _ in range(24))
        self.where[place] = styles[len(self.where) % len(styles)].format(text)
        return self.where[place]

    def all(self) -> list[str]:
        return list(self.where.values())


@dataclass
class Setting:
    """A command line and its environment."""

    planted: Planted
    environment: dict[str, str]
    agent_args: dict[str, Any]
    user_args: dict[str, Any]


def a_setting(seed: int, address: str) -> Setting:
    """Plant the secrets."""
    planted = Planted(random.Random(derive_seed(seed, "faults", "secrets")))
    plain = ("sk-{}", "{}", "tok_{}")
    environment = {name: planted.new(f"environment {name}") for name in _VARIABLES}
    environment["DATABASE_URL"] = (
        f"postgres://me:{planted.new('environment URL', plain)}@db.example/x"
    )
    environment["PIP_INDEX"] = (
        f"https://x.example/?token={planted.new('environment URL parameter', plain)}"
    )
    return Setting(
        planted,
        environment,
        _args(planted, "agent", address, plain),
        _args(planted, "user", address, plain),
    )


def _args(planted: Planted, whose: str, address: str, plain: tuple[str, ...]) -> dict[str, Any]:
    before, _, after = address.partition("://")
    password, parameter = (
        planted.new(f"{whose} URL", plain),
        planted.new(f"{whose} URL parameter", plain),
    )
    return {
        "api_base": f"{before}://me:{password}@{after}?api-key={parameter}",
        "api_key": planted.new(f"{whose} api_key", plain),
        "extra_headers": {name: planted.new(f"{whose} header {name}", plain) for name in _HEADERS},
        "extra_body": {name: planted.new(f"{whose} argument {name}") for name in _ARGUMENTS},
        "num_retries": 1,
    }


class Gossip:
    """An endpoint that says all it knows, in every way."""

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self.asked = 0
        self.away_from = 1_000_000
        self.told: dict[str, int] = {"in errors": 0, "in texts": 0, "in tool arguments": 0}

    def __call__(self, body: dict[str, Any]) -> Any:
        self.asked += 1
        some = [self.secrets[(self.asked * 7 + step) % len(self.secrets)] for step in range(8)]
        said = sum(message["role"] == "assistant" for message in body["messages"])
        if self.asked > self.away_from or self.asked % 6 == 0:
            self.told["in errors"] += 1
            return failing(
                503 if self.asked % 2 else 429,
                f"no luck with {' '.join(self.secrets)}",
                retry_after=0.01,
            )
        if body.get("tools") and said < 4:
            self.told["in tool arguments"] += 1
            title = {
                "user_id": "user_1",
                "title": " ".join(some),
                "description": quote(some[0], safe=""),
            }
            return {"name": "create_task", "arguments": title}
        self.told["in texts"] += 1
        return f"I know {' '.join(self.secrets)}" if said < 5 else "That is all. ###STOP###"


def spellings(secret: str) -> Iterator[bytes]:
    once = json.dumps(secret)[1:-1]
    for text in (secret, once, json.dumps(once)[1:-1], quote(secret, safe=""), repr(secret)[1:-1]):
        yield text.encode()


def suite(folder: Path, seed: int, *, thorough: bool = True) -> Tally:
    """Plant, play, look at everything, and search."""
    tally = Tally()
    gossip = Gossip()
    with StubServer(gossip) as stub:
        setting = a_setting(seed, stub.base_url)
        gossip.secrets = setting.planted.all()
        printed = list(_commands(setting, folder, gossip, tally, thorough=thorough))
    texts = {f"what {name} printed": text for name, text in printed}
    texts |= {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    tally.counts |= {"secrets": len(gossip.secrets), "texts searched": len(texts), **gossip.told}
    tally.counts["bytes searched"] = sum(map(len, texts.values()))
    for place, secret in setting.planted.where.items():
        forms = set(spellings(secret))
        found = [name for name, text in texts.items() if any(form in text for form in forms)]
        tally.counts["found"] += bool(found)
        tally.check(not found, f"{place} ({secret[:6]}...) is in {found[:4]}")
    tally.check(
        b"[redacted]" in b"".join(texts.values()), "nothing was redacted, so nothing was tried"
    )
    in_progress = [text for name, text in texts.items() if name.startswith("runs/one/inflight")]
    tally.check(
        any(b"[redacted]" in text for text in in_progress), "no episode was left in progress"
    )
    return tally


def _commands(
    setting: Setting, folder: Path, gossip: Gossip, tally: Tally, *, thorough: bool
) -> Iterator[tuple[str, bytes]]:
    """Play, resume, look and convert; yield what each command printed."""
    models = ["--agent-llm", "openai/gossip", "--agent-llm-args", json.dumps(setting.agent_args)]
    models += ["--user-llm", "openai/gossip", "--user-llm-args", json.dumps(setting.user_args)]
    run = [
        "run",
        "--domain",
        "mock",
        "--num-tasks",
        "4" if thorough else "2",
        *models,
        "--log-level",
        "DEBUG",
    ]
    run += [
        "--max-retries",
        "1",
        "--retry-delay",
        "0",
        "--save-to",
        "one",
        "--max-steps",
        "12",
        "--record",
        "--verbose-logs",
    ]

    def tau2(name: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> tuple[str, bytes]:
        code, text = _tau2([*arguments], setting, folder)
        tally.counts["commands"] += 1
        tally.check(
            code in codes, f"tau2 {name} ended with {code}: {text[-600:].decode(errors='replace')}"
        )
        return name, text

    yield tau2("run", *run, codes=(0, 1))
    gossip.away_from = gossip.asked + 10
    more = ["--auto-resume", "--num-trials", "2", *(["--workers", "1"] if thorough else [])]
    yield tau2("run, more trials, the endpoint away", *run, *more, codes=(1,))
    yield tau2("run --resume without the arguments", "run", "--resume", "one", codes=(2,))
    if not thorough:
        return
    yield tau2("view --list", "view", "--list")
    yield tau2("view", "view", "one")
    yield tau2(
        "view one conversation", "view", "one", "--task-id", "create_task_1", "--full-tool-results"
    )
    yield tau2("convert-results", "convert-results", str(folder / "runs" / "one"), "--to", "json")
    yield tau2(
        "convert-results back", "convert-results", str(folder / "runs" / "one"), "--to", "dir"
    )


def _tau2(arguments: list[str], setting: Setting, folder: Path) -> tuple[int, bytes]:
    names = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH", "SYSTEMROOT")
    environment = {
        name: os.environ[name] for name in names if name in os.environ
    } | setting.environment
    environment |= {"TAU2_SIMULATIONS_DIR": str(folder / "runs"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tau2.cli", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder to leave everything in, to look at")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = suite(options.keep or Path(folder), options.seed)
    counts = {"suite": "secrets", "seed": options.seed, **tally.counts, "broken": len(tally.broken)}
    sys.stdout.write(f"{json.dumps(counts | {'seconds': round(time.monotonic() - began)})}\n")
    sys.stderr.writelines(f"{story}\n" for story in tally.broken[:20])
    return int(bool(tally.broken))


if __name__ == "__main__":
    sys.exit(main())
