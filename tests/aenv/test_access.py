"""Who may call the AEnvironment server, and where it listens."""

from __future__ import annotations

import asyncio
import json
import stat

import pytest
from tests.aenv.parts import SERVER, access, agent

from tau2.errors import ConfigError

TOKEN = "a-token-of-the-tests"


def from_env(**variables):
    return access.Access.from_env({"TAU2_SERVER_TOKEN": TOKEN, **variables})


def test_it_listens_on_loopback_unless_told_otherwise(caplog):
    allowed = from_env()
    assert allowed.address(None) == "127.0.0.1"
    assert allowed.address("0.0.0.0") == "127.0.0.1"
    assert "TAU2_SERVER_HOST says so" in caplog.text
    assert allowed.address("::1") == "::1"
    assert from_env(TAU2_SERVER_HOST="0.0.0.0").address("127.0.0.1") == "0.0.0.0"


def test_hosts_are_those_of_this_machine_and_those_that_are_named():
    assert set(from_env().hosts()) == {"127.0.0.1", "localhost", "[::1]"}
    named = from_env(TAU2_SERVER_HOST="0.0.0.0", TAU2_SERVER_ALLOWED_HOSTS="Tau2.example, 10.0.0.7")
    assert {"tau2.example", "10.0.0.7"} < set(named.hosts())
    assert "0.0.0.0" not in named.hosts()


@pytest.mark.parametrize("unset", ["", "None"])
def test_a_token_that_nobody_names_is_kept_for_this_user_alone(tmp_path, unset):
    variables = {"XDG_RUNTIME_DIR": str(tmp_path), "TAU2_SERVER_TOKEN": unset}
    first = access.Access.from_env(variables)
    second = access.Access.from_env(variables)
    file = access.token_file(variables)
    assert first.token != second.token
    assert len(second.token) >= 32
    assert file.read_text() == second.token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    variables["DUMMY_INSTANCE_IP"] = "127.0.0.1"
    assert agent.server_token(variables) == second.token


def test_a_token_that_cannot_be_kept_must_be_named(tmp_path):
    (tmp_path / "tau2").write_text("a file, no folder")
    with pytest.raises(ConfigError, match="name one with TAU2_SERVER_TOKEN"):
        access.Access.from_env({"XDG_RUNTIME_DIR": str(tmp_path)})


def test_a_link_in_the_place_of_the_token_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "tau2").mkdir()
    (tmp_path / "tau2" / "aenv-server-token").symlink_to(victim)
    access.Access.from_env({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert victim.read_text() == "precious"


def test_a_token_is_not_shown():
    assert TOKEN not in repr(from_env())


def test_the_agent_makes_a_token_for_an_instance_of_its_own():
    first, second = agent.server_token({}), agent.server_token({})
    assert first != second
    assert len(first) >= 32
    assert agent.server_token({"TAU2_SERVER_TOKEN": TOKEN}) == TOKEN


def test_the_agent_says_what_is_missing_when_the_server_kept_no_token(tmp_path):
    with pytest.raises(RuntimeError, match="start the server first"):
        agent.server_token({"DUMMY_INSTANCE_IP": "127.0.0.1", "XDG_RUNTIME_DIR": str(tmp_path)})


def test_a_server_that_cannot_be_guarded_is_not_served():
    with pytest.raises(ConfigError, match="behind a token"):
        access.protect(object(), from_env(), None)


def ask(app, path, method="GET"):
    """Return the status and the body of an answer."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "scheme": "http"}
    scope["headers"] = [(b"host", b"127.0.0.1:8081")]
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_the_health_needs_no_token_and_everything_else_does():
    async def health():
        return {"status": "healthy"}

    async def never(*_):
        raise AssertionError("a request without a token came through")

    app = access.guarded(access._HealthFirst(never, health), from_env())
    status, body = ask(app, "/health")
    assert (status, json.loads(body)) == (200, {"success": True, "data": {"status": "healthy"}})
    for path in ("/mcp", "/functions/list", "/functions/tau2_reset", "/task/reward", "/health/x"):
        assert ask(app, path)[0] == 401
    assert ask(app, "/mcp", "POST")[0] == 401


def test_the_container_listens_on_loopback():
    lines = (SERVER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    instructions = "\n".join(line for line in lines if not line.startswith("#"))
    assert "0.0.0.0" not in instructions
    assert "TAU2_SERVER_HOST=127.0.0.1" in instructions
