"""Programs that are called for every episode: as a command, or at an address."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.unit.service.test_program_host import a_config, a_host, solves

from tau2.errors import ConfigError
from tau2.runner.batch import arun_tasks
from tau2.runner.tasks import configured_tasks
from tau2.service.program_launch import command_launcher, url_launcher
from tau2.service.program_tools import ProgramTools


def played(launcher, program=None, patience=60.0, **settings):
    """Play one episode of a program that `launcher` calls; what it calls is `program`."""
    config = a_config("create_task_1", retry_delay=0.0, **settings)
    called = []

    async def story(host):
        def launch(name):
            called.append(name)
            if program is not None:
                playing.append(asyncio.ensure_future(join(host, name)))
            return launcher(f"http://127.0.0.1/mcp/{name}", "the-token-of-this-episode")

        playing = []
        host.launch = launch
        run = await arun_tasks(config, configured_tasks(config), console_display=False)
        for one in playing:  # those whose command failed before they joined
            one.cancel()
        return run.simulations

    async def join(host, name):
        while True:
            try:
                session, offer = await host.join(name)
            except ConfigError:
                await asyncio.sleep(0.005)
            else:
                break
        await program(ProgramTools(session, offer), session)

    with a_host(patience) as host:
        runs = asyncio.run(story(host))
        assert len(set(called)) == len(called), "every episode has a name of its own"
        return runs


def python(code):
    return command_launcher(shlex.join([sys.executable, "-c", code]))


async def calls_and_waits(tools, session):
    await tools.call("get_users", {})
    await session.ended()


def test_a_command_that_plays():
    (run,) = played(python("import time; time.sleep(1)"), solves)
    assert (run.termination_reason, run.reward_info.reward) == ("agent_stop", 1)


def test_a_command_that_crashes_is_no_failure_of_the_agent():
    code = "import time; print('loading'); time.sleep(0.3); raise SystemExit('no weights')"
    (run,) = played(python(code), calls_and_waits, max_retries=1)
    assert run.termination_reason == "infrastructure_error"
    assert run.info["error"].endswith("exited with code 1: no weights\nit printed:\nloading")
    assert run.info["failed_after_attempts"] == 2
    assert run.reward_info is None


def test_a_command_that_ends_has_ended_the_conversation():
    (run,) = played(python("import time; time.sleep(0.3)"), calls_and_waits)
    assert (run.termination_reason, run.reward_info.reward) == ("agent_stop", 0)


def test_a_command_that_never_calls_has_not_played():
    (run,) = played(python("print('usage: my_agent URL')"))
    assert run.termination_reason == "infrastructure_error"
    who = f"the program {sys.executable} exited with code 0: usage: my_agent URL"
    assert run.info["error"] == f"the program made no call of a tool: {who}"


def test_what_a_command_prints_of_its_secrets_is_kept_nowhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-0123456789")
    code = (
        "import os, sys; print(dict(os.environ), 'x' * 1500, os.environ['OPENAI_API_KEY']);"
        "sys.exit(os.environ['TAU2_MCP_TOKEN'] + ' at ' + os.environ['TAU2_MCP_URL'])"
    )
    (run,) = played(python(code))
    kept = run.model_dump_json()
    assert "exited with code 1: [redacted] at http" in run.info["error"]
    assert "the-token-of-this-episode" not in kept
    assert "sk-of-somebody" not in kept
    # Also not the rest of a key in whose middle the quotation begins.
    assert "0123456789" not in kept


def test_the_children_of_a_command_end_with_it(tmp_path):
    sign = tmp_path / "pid"
    child = f"import os, time; open({str(sign)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    code = (
        f"import subprocess, sys, time, os; subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"while not os.path.exists({str(sign)!r}) or not open({str(sign)!r}).read():\n"
        "    time.sleep(0.01)"
    )
    played(python(code), solves)
    pid = int(sign.read_text(encoding="utf-8"))
    for _ in range(200):
        if not _runs(pid):
            return
        time.sleep(0.01)
    raise AssertionError("the child of the program still runs")


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="utf-8").split()[2] != "Z"


def test_a_command_is_ended_with_its_episode(tmp_path, monkeypatch):
    monkeypatch.setattr("tau2.service.program_launch._EXIT_SECONDS", 0.1)
    sign = tmp_path / "still here"
    code = f"import time, pathlib; time.sleep(60); pathlib.Path({str(sign)!r}).touch()"
    (run,) = played(python(code), calls_and_waits, patience=1.0)
    assert run.termination_reason == "agent_error"
    assert not sign.exists()


def test_a_command_knows_where_to_connect(tmp_path):
    said = tmp_path / "said"
    code = f"import os; open({str(said)!r}, 'w').write(os.environ['TAU2_MCP_URL'])"

    def wait():
        while not said.exists() or not said.read_text(encoding="utf-8"):
            time.sleep(0.01)

    async def solves_then(tools, session):
        await asyncio.to_thread(wait)
        await solves(tools, session)

    played(python(f"{code}; import time; time.sleep(0.2)"), solves_then)
    assert said.read_text(encoding="utf-8").startswith("http://127.0.0.1/mcp/")


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("", "the command is empty"),
        ("python 'my agent", "the command cannot be read: No closing quotation"),
        ("no-such-program --fast", "there is no program 'no-such-program'"),
    ],
)
def test_a_command_that_cannot_be_started_is_refused(command, problem):
    with pytest.raises(ConfigError, match=problem):
        command_launcher(command)


@pytest.fixture
def program_at():
    """Serve a program that answers with a status; give its address and what it was sent."""
    servers = []

    def serve(status):
        seen = []

        class Program(BaseHTTPRequestHandler):
            def do_POST(self):
                seen.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Program)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/episodes", seen

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_program_at_an_address_is_told_of_the_episode(program_at):
    address, seen = program_at(202)

    def wait():
        while not seen:
            time.sleep(0.01)

    async def solves_when_told(tools, session):
        await asyncio.to_thread(wait)
        await solves(tools, session)

    (run,) = played(url_launcher(address, 30.0), solves_when_told)
    assert run.reward_info.reward == 1
    assert len(seen) == 1
    assert '"mcp_url":"http://127.0.0.1/mcp/' in seen[0].replace(" ", "")
    assert '"token":"the-token-of-this-episode"' in seen[0].replace(" ", "")


def test_a_program_that_cannot_be_told_is_no_failure_of_the_agent(program_at):
    address, _ = program_at(500)
    (run,) = played(url_launcher(address, 5.0))
    assert run.termination_reason == "infrastructure_error"
    assert run.info["error"].endswith("answered with HTTP status 500")
    (run,) = played(url_launcher("http://127.0.0.1:9/episodes", 5.0))
    assert run.termination_reason == "infrastructure_error"
    assert "did not answer" in run.info["error"]
    for address in ("ftp://127.0.0.1", "http://", "http://["):
        with pytest.raises(ConfigError, match="begins with http:// or https://"):
            url_launcher(address, 5.0)


def test_the_key_and_the_password_of_a_program_stay_out_of_what_is_said(program_at, monkeypatch):
    address, _ = program_at(302)
    guarded = address.replace("http://", "http://me:pass-word@") + "?code=par-ameter"
    (run,) = played(url_launcher(guarded, 5.0))
    assert run.info["error"].endswith("answered with HTTP status 302"), "no other place is asked"
    assert address in run.info["error"]
    assert "pass-word" not in run.model_dump_json()
    assert "par-ameter" not in run.model_dump_json()
    for key in ("a\nsecret", "ein geh\u00e9imnis"):
        monkeypatch.setenv("TAU2_AGENT_KEY", key)
        with pytest.raises(ConfigError, match="the API key holds characters") as refused:
            url_launcher(address, 5.0)
        assert key not in str(refused.value)


def test_of_a_group_of_exceptions_the_inner_one_is_told():
    code = (
        "import time; time.sleep(0.3)\n"
        "raise ExceptionGroup('unhandled errors', [ConnectionError('no server at 4000')])"
    )
    (run,) = played(python(code), calls_and_waits)
    assert "exited with code 1: ConnectionError: no server at 4000\n" in run.info["error"]
