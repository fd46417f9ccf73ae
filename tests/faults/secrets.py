"""Two hundred planted secrets: none is in anything that any command writes or prints.

    python -m tests.faults.secrets

They are planted where secrets are: in the environment, in settings, in the arguments of models, in
headers, in cookies, in addresses, in JSON and `name=value` within other values. The endpoint gives
all of them away: in the texts of its errors, in what the model says, in the arguments of its tool
calls, in names of fields, quoted, URL-encoded and in base64. Plug-ins of the user's own repeat them
in their messages and errors. Every typo that a command line can hold is made. Then everything that
was written or printed is searched, in plain text and as JSON, addresses and base64 spell it.

`OUTPUTS` lists the commands, and so every way out of the package; a test compares it with the
commands that there are.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import yaml
from tests.faults.storage import Tally
from tests.stub import StubServer, failing

from tau2.seeds import derive_seed

ROOT = Path(__file__).parents[2]
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_VARIABLES = (
    *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "AZURE_API_KEY", "MISTRAL_API_KEY"),
    *("COHERE_API_KEY", "WANDB_API_KEY", "OPENAI_API_KEY_2", "API_KEYS", "PROXY_APIKEY"),
    *("HF_TOKEN", "GITHUB_TOKEN", "TOKEN_GITHUB", "CI_JOB_TOKEN", "SLACK_BOT_TOKEN", "NPMTOKEN"),
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "REFRESH_TOKEN"),
    *("DB_PASSWORD", "PGPASSWORD", "MYSQL_PWD", "SMTP_PASS", "ROOT_PASSWD", "SSH_PASSPHRASE"),
    *("SERVICE_SECRET", "APP_SECRET_V2", "SECRET_KEY_BASE", "WEBHOOK_SECRET", "CLIENT_SECRET"),
    *("GOOGLE_CREDENTIALS", "REGISTRY_CREDS", "MY_AUTH", "SIGNING_KEY", "ENCRYPTION_KEY"),
    *("STRIPE_SK", "GITHUB_PAT", "SESSION_COOKIE", "JWT", "SENTRY_DSN", "ACCOUNT_KEY"),
    *("OTHER_HEADERS", "LDAP_BIND_PASS", "DEPLOY_KEY", "PRIVATE_KEY", "MASTER_KEY", "LICENSE_KEY"),
    *("VAULT_TOKEN", "FOO_TOKEN_2", "OAUTH_CLIENT_SECRET", "KAFKA_SASL_PASSWORD", "REDIS_AUTH"),
    *("TWILIO_AUTH", "MAILGUN_APIKEY", "DATADOG_APP_KEY", "COSIGN_PASSPHRASE", "dbPassword"),
)
_HEADERS = (
    *("Authorization", "X-Api-Key", "X-Auth", "Proxy-Authorization", "X-Tenant", "X-Session"),
    *("X-Custom", "Ocp-Apim-Subscription-Key"),
)
_ARGUMENTS = (
    *("azure_ad_token", "aws_secret_access_key", "vertex_credentials", "client_secret", "password"),
    *("key", "pass", "passphrase", "pat", "accessToken", "privateKey", "auth", "stripe_sk"),
    *("refreshToken", "api_secret", "signature"),
)
_STYLES = ("sk-{}", "{}", "sk-proj-{}", "Zq.{}/+=", "tok_{}", 'quote"{}\\end', "a%{}&b=c", "é{}ß")
_PLAIN = ("sk-{}", "{}", "tok_{}")
MODELS = ("agent", "user", "judge", "reviewer")
LIBRARY = "tests.faults.library_use"


@dataclass
class Planted:
    """What was planted, and where."""

    rng: random.Random
    where: dict[str, str] = field(default_factory=dict)
    """Place to secret."""

    def new(self, place: str, styles: tuple[str, ...] = _STYLES) -> str:
        assert place not in self.where, place
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
    args: dict[str, dict[str, Any]]
    """Arguments of each of `MODELS`."""


def a_setting(seed: int, address: str) -> Setting:
    """Plant the secrets."""
    planted = Planted(random.Random(derive_seed(seed, "faults", "secrets")))

    def plain(place: str) -> str:
        return planted.new(place, _PLAIN)

    environment = {name: planted.new(f"environment {name}") for name in _VARIABLES}
    environment |= {
        "DATABASE_URL": f"postgres://me:{plain('URL in the environment')}@db.example/x",
        "PIP_INDEX": f"https://x.example/?token={plain('URL parameter in the environment')}",
        "STORAGE": f"Name=us;AccountKey={plain('connection string')};Suffix=x",
        "SERVICE": json.dumps({"type": "x", "private_key": plain("JSON in the environment")}),
        "NESTED": json.dumps({"a": [json.dumps({"apiKey": plain("JSON within JSON")})]}),
        "THE_COOKIE": f"theme=dark; sid={plain('cookie, first')}; csrf={plain('cookie, second')}",
        "OTLP_HEADERS": f"api-key={plain('header list, first')},x-a={plain('header list, next')}",
        "BASIC_AUTH": f"Basic {_base64('me:' + plain('password in base64'))}",
        "SSH_KEY": "-----BEGIN PRIVATE KEY-----\n"
        f"{plain('private key, first line')}\n{plain('private key, last line')}\n"
        "-----END PRIVATE KEY-----",
    }
    args = {model: _args(planted, model, address) for model in MODELS}
    return Setting(planted, environment, args)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _args(planted: Planted, whose: str, address: str) -> dict[str, Any]:
    def plain(place: str) -> str:
        return planted.new(f"{whose} {place}", _PLAIN)

    before, _, after = address.partition("://")
    headers = {name: plain(f"header {name}") for name in _HEADERS}
    headers["Cookie"] = f"a=b; session={plain('cookie, first')}; id={plain('cookie, second')}"
    body: dict[str, Any] = {name: planted.new(f"{whose} argument {name}") for name in _ARGUMENTS}
    body["vendor"] = {"credentials": {"value": planted.new(f"{whose} value below a secret name")}}
    body["options"] = f"region=eu;password={plain('pair within an argument')}"
    body["config"] = json.dumps({"clientSecret": plain("JSON within an argument")})
    body["callback"] = f"https://me:{plain('URL within an argument')}@x.example"
    return {
        "api_base": f"{before}://me:{plain('URL')}@{after}?api-key={plain('URL parameter')}",
        "api_key": plain("api_key"),
        "extra_headers": headers,
        "extra_body": body,
        "num_retries": 1,
        "input_cost_per_token": 0,
        "output_cost_per_token": 0,
    }


class Gossip:
    """An endpoint that says all it knows, in every way."""

    def __init__(self) -> None:
        self.secrets: list[str] = []
        """What it tells: a command cannot hide what it was never given."""
        self.asked = 0
        self.away_from = 1_000_000
        self.told: dict[str, int] = {"in errors": 0, "in texts": 0, "in tool arguments": 0}

    def __call__(self, body: dict[str, Any]) -> Any:
        self.asked += 1
        some = [self.secrets[(self.asked * 7 + step) % len(self.secrets)] for step in range(8)]
        said = sum(message["role"] == "assistant" for message in body["messages"])
        if "errors" in str(body["messages"][0].get("content", "")) and not body.get("tools"):
            return json.dumps({"summary": " ".join(some), "errors": []})
        if self.asked > self.away_from or self.asked % 6 == 0:
            self.told["in errors"] += 1
            status = 503 if self.asked % 2 else 429
            return failing(status, f"no luck with {self._everything(some)}", retry_after=0.01)
        if body.get("tools") and said < 4:
            self.told["in tool arguments"] += 1
            title = {
                "user_id": "user_1",
                "title": " ".join(some),
                "description": quote(some[0], safe=""),
            }
            return {"name": "create_task", "arguments": title}
        self.told["in texts"] += 1
        everything = self._everything(some)
        return f"I know {everything}" if said < 5 else "That is all. ###STOP###"

    def _everything(self, some: Sequence[str]) -> str:
        encoded = [_base64(f"{'me:'[: number % 4]}{text}") for number, text in enumerate(some)]
        return " ".join([*self.secrets, json.dumps(some), *map(quote, some), *encoded])


def spellings(secret: str) -> Iterator[bytes]:
    once = json.dumps(secret)[1:-1]
    raw = json.dumps(secret, ensure_ascii=False)[1:-1]
    texts = (secret, once, json.dumps(once)[1:-1], raw, quote(secret, safe=""), repr(secret)[1:-1])
    yield from {text.encode() for text in texts}
    # In base64, at each place: what does not depend on the neighbours.
    for lead in range(3):
        content = bytes(lead) + secret.encode()
        whole = content[: len(content) - len(content) % 3]
        yield base64.b64encode(whole)[4:]


PLUGIN = '''\
"""A package of the user's own that cannot keep a secret."""

import os

from tau2.agent.base_agent import HalfDuplexAgent
from tau2.data_model.message import AssistantMessage
from tau2.participant.spec import AgentSpec


class Telling(HalfDuplexAgent):
    def get_init_state(self, message_history=None):
        return 0

    def generate_next_message(self, message, state):
        everything = " ".join(os.environ.values())
        if state == 2:
            raise {raised}(everything)
        return AssistantMessage(role="assistant", content=everything), state + 1


AGENT = AgentSpec("{name}", lambda **made: Telling(made["tools"], made["domain_policy"]))
'''


@dataclass(frozen=True)
class Output:
    """One way out of the package."""

    command: str
    """The command of `tau2`; empty for something else."""
    line: Callable[[Setting], Sequence[str]]
    """Its arguments."""
    codes: tuple[int, ...] = (0,)
    """How it may end."""
    typed: str = ""
    """What is typed into it."""
    is_quick: bool = False
    """Whether the everyday test runs it as well."""


def models(setting: Setting) -> list[str]:
    """Return the options that name every model, with all arguments."""
    line = []
    for role, names in {
        "agent": ("--agent-llm", "--agent-llm-args"),
        "user": ("--user-llm", "--user-llm-args"),
        "judge": ("--llm-judge", "--llm-args-judge"),
        "reviewer": ("--review-model", "--review-args"),
    }.items():
        line += [names[0], "openai/gossip", names[1], json.dumps(setting.args[role])]
    return line


def played(setting: Setting, *more: str) -> list[str]:
    return [
        *("run", "--domain", "mock", "--task-ids", "create_task_1", "update_task_1"),
        *models(setting),
        *("--log-level", "DEBUG", "--max-retries", "1", "--retry-delay", "0", "--save-to", "one"),
        *("--max-steps", "12", "--record", "--verbose-logs", "--auto-review", "--otel"),
        *("--max-cost", "1000", "--cache", "cache", "--no-probe", "--stop-after-failures", "0"),
        *more,
    ]


def small(setting: Setting, *more: str) -> list[str]:
    return ["run", "--domain", "mock", "--num-tasks", "1", *models(setting), *more]


def typed_args(setting: Setting, damage: Callable[[str], str], *more: str) -> list[str]:
    """Return a command whose arguments of the agent's model were mistyped."""
    return [
        "run",
        "-d",
        "mock",
        "--agent-llm-args",
        damage(json.dumps(setting.args["agent"])),
        *more,
    ]


def _first(setting: Setting, place: str) -> str:
    return setting.planted.where[place]


PLAYED: Mapping[str, Output] = {
    "played": Output("run", lambda s: played(s), (0, 1), is_quick=True),
    "more trials, the endpoint away": Output(
        "run", lambda s: played(s, "--auto-resume", "--num-trials", "2"), (0, 1), is_quick=True
    ),
    "workers": Output(
        "run", lambda s: played(s, "--auto-resume", "--num-trials", "3", "--workers", "1"), (0, 1)
    ),
    "resumed without the arguments": Output(
        "run", lambda _: ["run", "--resume", "one"], (2,), is_quick=True
    ),
    "resumed settings, printed": Output(
        "run", lambda _: ["run", "--resume", "one", "--print-config"], (0, 2)
    ),
    "settings, printed": Output("run", lambda s: played(s, "--print-config"), is_quick=True),
    "settings of a file, printed": Output(
        "run", lambda _: ["run", "--config", "run.yaml", "--print-config"]
    ),
    "estimated": Output("run", lambda s: small(s, "--dry-run")),
    "as JSON": Output("run", lambda s: small(s, "--json", "--save-to", "json"), (0, 1)),
    "quietly": Output("run", lambda s: small(s, "--quiet", "--save-to", "quiet"), (0, 1)),
    "probed": Output("run", lambda s: small(s, "--save-to", "probed"), (0, 1, 2)),
    "as one file": Output(
        "run", lambda s: small(s, "--results-format", "json", "--save-to", "file"), (0, 1)
    ),
    "an agent that fails": Output(
        "run", lambda s: small(s, "--agent", "failing_teller", "--save-to", "fails"), (0, 1)
    ),
    "an agent with a bug": Output(
        "run", lambda s: small(s, "--agent", "buggy_teller", "--save-to", "bug"), (0, 1)
    ),
    "a bug, shown with its traceback": Output(
        "run",
        lambda s: small(s, "--agent", "buggy_teller", "--save-to", "bug2", "--log-level", "DEBUG"),
        (0, 1),
    ),
    "played by hand": Output(
        "play",
        lambda s: [
            *("play", "--plain", "--domain", "mock", "--task-id", "create_task_1", "--as", "agent"),
            *("--user", "user_simulator", "--user-llm", "openai/gossip", "--user-llm-args"),
            *(json.dumps(s.args["user"]), "--save-to", "by_hand"),
        ],
        (0, 2),
        typed="Hello\n/task\nget_users()\n/done\n",
    ),
}
"""Commands that play, in this order: they make the runs that the others look at."""

TYPOS: Mapping[str, Output] = {
    "JSON cut off": Output(
        "run", lambda s: typed_args(s, lambda text: text[:-1]), (2,), is_quick=True
    ),
    "JSON cut within a key": Output(
        "run", lambda s: typed_args(s, lambda text: text[: text.index("extra_headers") - 5]), (2,)
    ),
    "a comma too many": Output(
        "run", lambda s: typed_args(s, lambda text: text.replace("}", ",}")), (2,), is_quick=True
    ),
    "single quotes": Output("run", lambda s: typed_args(s, lambda t: str(json.loads(t))), (2,)),
    "no quotes": Output("run", lambda s: typed_args(s, lambda t: t.replace('"', "")), (2,)),
    "a list": Output("run", lambda s: typed_args(s, lambda t: f"[{t}]"), (2,)),
    "a text": Output("run", lambda s: typed_args(s, json.dumps), (2,)),
    "NaN": Output("run", lambda s: typed_args(s, lambda t: t.replace("1}", "NaN}")), (0, 1, 2)),
    "pairs": Output(
        "run", lambda s: ["run", "-d", "mock", "--agent-llm-args",
                          f"api_key={_first(s, 'agent api_key')},x"], (2,),
    ),
    "split by the shell": Output(
        "run", lambda s: ["run", "-d", "mock", "--agent-llm-args",
                          *json.dumps(s.args["agent"]).split(" ")], (2,),
    ),
    "an option misspelt": Output(
        "run", lambda s: ["run", "-d", "mock", "--agent-lm-args", json.dumps(s.args["agent"])], (2,)
    ),
    "an option misspelt, with an equals sign": Output(
        "run", lambda s: ["run", f"--api-key={_first(s, 'agent api_key')}"], (2,)
    ),
    "the option before it forgotten": Output(
        "run", lambda s: ["run", "-d", "mock", json.dumps(s.args["agent"])], (2,), is_quick=True
    ),
    "a key as the model": Output(
        "run", lambda s: ["run", "-d", "mock", "--agent-llm", _first(s, "environment DB_PASSWORD")],
        (1, 2),
    ),
    "a key as the domain": Output(
        "run", lambda s: ["run", "-d", _first(s, "environment HF_TOKEN")], (2,)
    ),
    "a key as the command": Output("", lambda s: [_first(s, "environment HF_TOKEN")], (2,)),
    "a key as a choice": Output(
        "run", lambda s: ["run", "-d", "mock", "--executor", _first(s, "environment JWT")], (2,)
    ),
    "a key as a number": Output(
        "run", lambda s: ["run", "-d", "mock", "--seed", _first(s, "environment JWT")], (2,)
    ),
    "an address that is none": Output(
        "run", lambda s: _with(s, api_base=f"me:{_first(s, 'agent URL')}@host"), (1, 2)
    ),
    "a header that cannot be": Output(
        "run", lambda s: _with(s, extra_headers={"X-A": f"{_first(s, 'agent api_key')}\n"}), (1, 2)
    ),
    "headers that are no mapping": Output(
        "run", lambda s: _with(s, extra_headers=[_first(s, "agent header X-Auth")]), (1, 2)
    ),
    "a key where the certificates belong": Output(
        "run", lambda s: _with(s, ssl_verify=_first(s, "agent api_key")), (1, 2)
    ),
    "an argument that is not known": Output(
        "run", lambda s: _with(s, apikey=_first(s, "agent api_key")), (0, 1, 2)
    ),
    "with a traceback": Output(
        "run", lambda s: [*_with(s, api_base=f"me:{_first(s, 'agent URL')}@host"),
                          "--log-level", "DEBUG"], (1, 2),
    ),
    "a damaged YAML file": Output(
        "run", lambda _: ["run", "--config", "damaged.yaml"], (2,), is_quick=True
    ),
    "a damaged TOML file": Output("run", lambda _: ["run", "--config", "damaged.toml"], (2,)),
    "a damaged JSON file": Output("run", lambda _: ["run", "--config", "damaged.json"], (2,)),
    "a file with a wrong type": Output("run", lambda _: ["run", "--config", "type.yaml"], (2,)),
    "a file with an unknown field": Output(
        "run", lambda _: ["run", "--config", "field.yaml"], (2,)
    ),
    "a reviewer mistyped": Output(
        "review", lambda s: ["review", "one", "--review-args", json.dumps(s.args["reviewer"])[1:]],
        (2,),
    ),
    "a judge mistyped": Output(
        "evaluate-trajs",
        lambda s: ["evaluate-trajs", "one", "--judge-llm-args", str(s.args["judge"])], (2,),
    ),
    "a user mistyped": Output(
        "play", lambda s: ["play", "--user-llm-args", str(s.args["user"])], (2,)
    ),
    "a run that is not there": Output(
        "view", lambda s: ["view", _first(s, "environment DB_PASSWORD").replace("/", "")], (2,)
    ),
}  # fmt: skip
"""Command lines that are wrong."""


def _with(setting: Setting, **changes: Any) -> list[str]:
    args = setting.args["agent"] | changes
    return ["run", "-d", "mock", "--num-tasks", "1", "--user", "scripted_user", "--no-probe",
            "--agent-llm", "openai/x", "--agent-llm-args", json.dumps(args), "--save-to", "typo",
            "--auto-resume"]  # fmt: skip


_CERTIFY = (
    *("users", "certify", "--user", "user_simulator", "-d", "mock", "--num-tasks", "2"),
    *("--llm", "openai/gossip", "--llm-args"),
)

SHOWN: Mapping[str, Output] = {
    "runs": Output("view", lambda _: ["view", "--list"]),
    "a run": Output("view", lambda _: ["view", "one"], is_quick=True),
    "a conversation": Output(
        "view", lambda _: ["view", "one", "--task-id", "create_task_1", "--full-tool-results"]
    ),
    "a conversation of a telling agent": Output(
        "view", lambda _: ["view", "fails", "--task-id", "create_task_1"]
    ),
    "a page": Output("report", lambda _: ["report", "one", "fails", "-o", "report.html"]),
    "tables as JSON lines": Output("export", lambda _: ["export", "one", "-o", "lines"]),
    "tables as CSV": Output("export", lambda _: ["export", "one", "-o", "csv", "--to", "csv"]),
    "trajectories": Output("export", lambda _: ["export", "one", "-o", "atif", "--to", "atif"]),
    "logs of Inspect": Output(
        "export", lambda _: ["export", "one", "-o", "inspect", "--to", "inspect"]
    ),
    "a data set": Output("export", lambda _: ["export", "one", "-o", "hf", "--to", "hf"]),
    "a comparison": Output("compare", lambda _: ["compare", "one", "json"], (0, 1, 2)),
    "graded again": Output(
        "evaluate-trajs",
        lambda s: ["evaluate-trajs", "one", "-o", "graded", "--judge-llm", "openai/gossip",
                   "--judge-llm-args", json.dumps(s.args["judge"])], (0, 1),
    ),
    "reviewed": Output(
        "review",
        lambda s: ["review", "one", "-o", "reviewed", "--log-llm", "--show-details",
                   "--review-model", "openai/gossip", "--review-args",
                   json.dumps(s.args["reviewer"])], (0, 1),
    ),
    "models": Output("models", lambda _: ["models", "list"], is_quick=True),
    "new": Output(
        "new",
        lambda _: ["new", "domain", "newly", "--dir", "."],
        is_quick=True,
    ),
    "protocols": Output("protocols", lambda _: ["protocols", "--json"], is_quick=True),
    "blamed": Output("blame", lambda _: ["blame", "fails"]),
    "blamed, as JSON": Output("blame", lambda _: ["blame", "fails", "--json"]),
    "ranked": Output("leaderboard", lambda _: ["leaderboard"], (0, 1, 2)),
    "submitted": Output(
        "submit", lambda _: ["submit", "prepare", "one", "-o", "submission"], (0, 1, 2)
    ),
    "submission checked": Output(
        "submit", lambda _: ["submit", "validate", "submission"], (0, 1, 2)
    ),
    "submission verified": Output(
        "submit", lambda _: ["submit", "verify-trajs", "submission"], (0, 1, 2)
    ),
    "interaction metrics of a run of text": Output(
        "submit", lambda _: ["submit", "interaction-metrics", "one"], (2,), is_quick=True
    ),
    "a user's card": Output(
        "users", lambda s: [*_CERTIFY, json.dumps(s.args["user"]), "-o", "card.html"], (0, 1, 2)
    ),
    "a user's card, mistyped": Output(
        "users", lambda s: [*_CERTIFY, json.dumps(s.args["user"])[:-1]], (2,)
    ),
    "replayed": Output("replay", lambda _: ["replay", "one"], (0, 1)),
    "a domain": Output("domain", lambda _: ["domain", "mock"]),
    "documentation": Output("start", lambda _: ["start", "--help"]),
    "programs as agents": Output("serve-domain", lambda _: ["serve-domain", "--help"]),
    "model server": Output("serve-model", lambda _: ["serve-model", "--help"]),
    "voice server": Output("voice", lambda _: ["voice", "--help"]),
    "data checked": Output("check-data", lambda _: ["check-data"]),
    "tasks proved": Output("audit", lambda _: ["audit", "--domain", "mock"], (0, 1, 2)),
    "tasks generated": Output(
        "tasks", lambda _: ["tasks", "generate", "-d", "retail", "--n", "1", "--out", "tasks.json"]
    ),
    "completion": Output("completion", lambda _: ["completion", "bash"]),
    "a first look": Output("intro", lambda _: ["intro"]),
    "one file": Output(
        "convert-results", lambda _: ["convert-results", "runs/one", "--to", "json"]
    ),
    "a folder": Output("convert-results", lambda _: ["convert-results", "runs/one", "--to", "dir"]),
}  # fmt: skip
"""Commands that look at what was played."""

USED: Mapping[str, Output] = {
    name: Output("", lambda s, name=name: [LIBRARY, name, json.dumps(s.args["user"])], codes)
    for name, codes in {
        "a wrong configuration": (0,),
        "a failed call": (0,),
        "a rollout": (0,),
        "an environment of Gymnasium": (0,),
        "a training configuration": (0,),
        "documentation pages": (0,),
    }.items()
}
"""What a program that uses the package is told; see `tests/faults/library_use.py`."""

OUTPUTS: Mapping[str, Output] = {**PLAYED, **TYPOS, **SHOWN, **USED}


def suite(folder: Path, seed: int, *, thorough: bool = True) -> Tally:
    """Plant, play, look at everything, and search."""
    tally = Tally()
    gossip = Gossip()
    with StubServer(gossip) as stub:
        setting = a_setting(seed, stub.base_url)
        _write_files(folder, setting)
        planted_files = {path for path in folder.rglob("*") if path.is_file()}
        printed = {}
        in_progress: list[bytes] = []
        for name, output in OUTPUTS.items():
            if thorough or output.is_quick:
                # Episodes are left in progress by an endpoint that goes away for a while.
                away = name == "more trials, the endpoint away"
                gossip.away_from = gossip.asked + 10 if away else 1_000_000
                gossip.secrets = _known_to(output.line(setting), setting)
                printed[name] = _printed(name, output, setting, folder, tally)
                in_progress += [file.read_bytes() for file in folder.glob("runs/one/inflight/*")]
    texts = {f"what {name!r} printed": text for name, text in printed.items()}
    texts |= {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path not in planted_files
    }
    texts |= _unpacked(texts)
    texts["episodes in progress"] = b"".join(in_progress)
    found = _search(setting.planted, texts, tally)
    tally.counts |= {
        "secrets": len(setting.planted.where),
        "texts searched": len(texts),
        **gossip.told,
    }
    tally.counts["bytes searched"] = sum(map(len, texts.values()))
    tally.check(
        b"[redacted]" in b"".join(texts.values()), "nothing was redacted, so nothing was tried"
    )
    tally.check(
        any(b"[redacted]" in text for text in in_progress), "no episode was left in progress"
    )
    tally.counts["found"] = found
    return tally


def _unpacked(texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what is in the archives among the texts, which are compressed."""
    unpacked = {}
    for name, text in texts.items():
        if name.endswith(".eval"):
            with ZipFile(io.BytesIO(text)) as archive:
                unpacked |= {f"{name}: {part}": archive.read(part) for part in archive.namelist()}
    return unpacked


def _known_to(line: Sequence[str], setting: Setting) -> list[str]:
    """Return the secrets that a command is given, by its arguments and by the environment."""
    strange = [role for role in MODELS if json.dumps(setting.args[role]) not in line]
    return [
        secret
        for place, secret in setting.planted.where.items()
        if not place.startswith(tuple(f"{role} " for role in strange))
    ]


def _search(planted: Planted, texts: Mapping[str, bytes], tally: Tally) -> int:
    """Return how many secrets stand in the texts."""
    number = 0
    for place, secret in planted.where.items():
        forms = set(spellings(secret))
        found = [name for name, text in texts.items() if any(form in text for form in forms)]
        number += bool(found)
        tally.check(not found, f"{place} ({secret[:6]}...) is in {found[:4]}")
    return number


def _write_files(folder: Path, setting: Setting) -> None:
    """Write the user's own files: a package with plug-ins, and configurations, right and wrong."""
    settings = {"domain": "mock", "llm_agent": "openai/x", "llm_args_agent": setting.args["agent"]}
    text = yaml.safe_dump(settings)
    (folder / "run.yaml").write_text(text)
    (folder / "damaged.yaml").write_text(text.replace("api_key: ", "api_key: : ["))
    (folder / "damaged.json").write_text(json.dumps(settings)[:-2])
    api_key = setting.args["agent"]["api_key"]
    (folder / "damaged.toml").write_text(f'[llm_args_agent]\napi_key = "{api_key}\n')
    (folder / "type.yaml").write_text(yaml.safe_dump(settings | {"llm_args_agent": api_key}))
    (folder / "field.yaml").write_text(yaml.safe_dump(settings | {"llm_arg_agent": api_key}))
    package = folder / "site"
    for name, raised in {"failing_teller": "ConnectionError", "buggy_teller": "TypeError"}.items():
        info = package / f"{name}-1.dist-info"
        info.mkdir(parents=True)
        (package / f"{name}.py").write_text(PLUGIN.format(name=name, raised=raised))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[tau2.agents]\n{name} = {name}:AGENT\n")


def _printed(name: str, output: Output, setting: Setting, folder: Path, tally: Tally) -> bytes:
    """Run a command; return what it printed."""
    kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= setting.environment | {
        "TAU2_SIMULATIONS_DIR": str(folder / "runs"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join([str(folder / "site"), str(ROOT)]),
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
    }
    line = output.line(setting)
    program = [] if line[:1] == [LIBRARY] else ["tau2.cli"]
    done = subprocess.run(
        [sys.executable, "-m", *program, *line],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=300,
        check=False,
        input=output.typed.encode(),
    )
    text = done.stdout + done.stderr
    tally.counts["commands"] += 1
    story = f"{name}: ended with {done.returncode}: {text[-600:].decode(errors='replace')}"
    tally.check(done.returncode in output.codes, story)
    return text


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
