"""`tau2 serve-domain` on a real package `mcp`, with real clients of both of its versions."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tau2.environment.task_setup import set_initial_state
from tau2.registry import registry
from tau2.storage.results import Results

pytest.importorskip("mcp", reason="make test-agents has environments with it")

HERE = Path(__file__).parent
TAU2 = (sys.executable, "-m", "tau2.cli")
OVER = "The conversation is over."
ACCEPTED = {"Accept": "application/json, text/event-stream"}
VENVS = Path(os.environ.get("TAU2_AGENT_VENVS", ""))
CLIENTS = {
    name: python
    for name in ("mcp-1", "mcp-2")
    if (python := VENVS / name / "bin" / "python").is_file()
} or {"own": Path(sys.executable)}


@pytest.fixture(params=CLIENTS)
def client(request):
    return CLIENTS[request.param]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TAU2_SIMULATIONS_DIR", str(tmp_path / "simulations"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "simulations"


class Served:
    """A server in a process of its own."""

    def __init__(self, *arguments):
        command = [*TAU2, "serve-domain", "mock", "--user", "scripted_user", "--save-to", "served"]
        self.process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.printed = ""
        while "header" not in self.printed:
            line = self.process.stdout.readline()
            assert line, self.printed
            self.printed += line
        self.url = re.search(r"URL +(\S+)", self.printed)[1]
        self.token = re.search(r"Bearer (\S+)", self.printed)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ended(self, code=0):
        """Wait for the end, and return the simulations."""
        rest, _ = self.process.communicate(timeout=60)
        self.printed += rest
        assert self.process.returncode == code, self.printed
        assert "Traceback" not in self.printed
        return Results.load(Path("simulations/served")).simulations

    def connection(self):
        return http.client.HTTPConnection(self.url.split("/")[2], timeout=20)

    def request(self, method="POST", path="/mcp", body=None, **headers):
        """Send a request of one's own; return the status and the body."""
        given = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            **ACCEPTED,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        data = json.dumps(body) if isinstance(body, dict) else body
        connection = self.connection()
        connection.request(method, path, data, given)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


def play(client, scenario, where, *more, code=0):
    """Run the client's program; return what it saw."""
    place = json.dumps(where) if isinstance(where, list) else where
    done = subprocess.run(
        [str(client), str(HERE / "client.py"), scenario, place, *more],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if code == 0 else None


def final_hash(run, task):
    environment = registry.get_env_constructor("mock")()
    set_initial_state(environment, task, run.messages)
    return environment.get_db_hash(), environment.get_user_db_hash()


def test_the_oracle_s_actions_earn_the_same_and_leave_the_same_database(client):
    arguments = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")
    subprocess.run([*TAU2, "run", *arguments, "--save-to", "oracle", "--quiet"], check=True)
    recorded = Results.load(Path("simulations/oracle"))
    tasks = {task.id: task for task in recorded.tasks}
    turns = []
    for run in recorded.simulations:
        given = len(tasks[run.task_id].history) or 1
        own = [m.model_dump(mode="json") for m in run.messages[given:] if m.role == "assistant"]
        turns.append({"task_id": run.task_id, "turns": own})
    with Served() as served:
        ends = play(client, "oracle", served.url, served.token, json.dumps(turns))
        mine = served.ended()
    assert set(ends.values()) == {OVER}
    for run, own in zip(recorded.simulations, mine, strict=True):
        assert own.task_id == run.task_id
        assert own.reward_info.reward == run.reward_info.reward
        assert own.termination_reason == run.termination_reason
        assert final_hash(own, tasks[run.task_id]) == final_hash(run, tasks[run.task_id])


def check_everything(seen):
    assert seen["instructions"] == seen["resource"] == seen["prompt"] == seen["policy"]
    assert "<policy>" in seen["policy"]
    assert seen["hints"]["get_users"] is True
    assert seen["hints"]["create_task"] is False
    assert seen["first"].startswith("You: Hi! How can I help you today?\n\nCustomer: ")
    wrong = "Error: invalid arguments for create_task: title: field required"
    assert seen["wrong"] == [wrong, True]
    assert seen["unknown"] == ["Error: Tool 'nonsense' not found.", True]
    assert seen["empty"] == ["Error: `message` is missing or empty", True]
    assert seen["answer"]
    assert seen["end"] == OVER


def test_a_client_sees_all_that_there_is(client):
    with Served("--task-ids", "create_task_1") as served:
        check_everything(play(client, "everything", served.url, served.token))
        (run,) = served.ended()
    assert (run.reward_info.reward, run.termination_reason) == (1, "agent_stop")


def test_the_same_over_pipes(client):
    arguments = ["serve-domain", "mock", "--stdio", "--user", "scripted_user", "--save-to", "piped"]
    check_everything(play(client, "everything", [*TAU2, *arguments]))
    (run,) = Results.load(Path("simulations/piped")).simulations
    assert (run.task_id, run.reward_info.reward) == ("create_task_1", 1)


def test_a_run_that_was_played_before_says_so_over_pipes(client):
    arguments = ["serve-domain", "mock", "--stdio", "--user", "scripted_user", "--save-to", "piped"]
    play(client, "leaving", [*TAU2, *arguments])
    again = subprocess.run(
        [*TAU2, *arguments, "--auto-resume"],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert "all episodes of this run have been played" in again.stderr
    assert "Traceback" not in again.stderr


def test_a_program_that_closes_the_pipes_has_ended_the_conversation(client):
    arguments = ["serve-domain", "mock", "--stdio", "--user", "scripted_user", "--save-to", "piped"]
    play(client, "leaving", [*TAU2, *arguments])
    (run,) = Results.load(Path("simulations/piped")).simulations
    assert (run.termination_reason, run.reward_info.reward) == ("agent_stop", 1)


def test_many_sessions_at_once(client):
    episodes = ("--task-ids", "create_task_1", "--num-trials", "12", "--max-concurrency", "12")
    with Served(*episodes) as served:
        ends = play(client, "crowd", served.url, served.token, "12")["ends"]
        runs = served.ended()
    assert ends == [OVER] * 12
    assert [run.reward_info.reward for run in runs] == [1] * 12


def test_a_name_keeps_the_sessions_of_one_episode_together(client):
    with Served("--task-ids", "create_task_1") as served:
        seen = play(client, "named", f"{served.url}/mine", served.token)
        (run,) = served.ended()
    assert "task_2" in seen["made"]
    assert seen["end"] == seen["after"] == OVER
    assert run.reward_info.reward == 1


def test_who_does_not_wait_for_an_episode_gets_none(client):
    about = {"clientInfo": {"name": "raw", "version": "1"}, "capabilities": {}}
    params = {"protocolVersion": "2025-06-18", **about}
    opening = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    ending = {"name": "end_conversation", "arguments": {}}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": ending}
    arguments = ("--task-ids", "create_task_1", "--num-trials", "2", "--max-concurrency", "1")
    with Served(*arguments) as served:

        def opened():
            connection = http.client.HTTPConnection(served.url.split("/")[2], timeout=20)
            headers = {"Content-Type": "application/json", **ACCEPTED}
            headers["Authorization"] = f"Bearer {served.token}"
            connection.request("POST", "/mcp", json.dumps(opening), headers)
            return connection

        def session():
            with contextlib.closing(opened()) as connection:
                answer = connection.getresponse()
                answer.read()
                return answer.headers["mcp-session-id"]

        first = session()
        waiting = opened()
        time.sleep(0.5)
        waiting.close()
        time.sleep(0.5)
        assert served.request(body=call, mcp_session_id=first)[0] == 200
        assert served.request(body=call, mcp_session_id=session())[0] == 200
        assert len(served.ended()) == 2


def test_who_leaves_ends_the_conversation_and_who_only_looks_has_played_nothing(client):
    with Served("--task-ids", "create_task_1") as served:
        assert play(client, "looking", served.url, served.token)["tools"] > 4
        play(client, "leaving", served.url, served.token)
        (run,) = served.ended()
    assert (run.termination_reason, run.reward_info.reward) == ("agent_stop", 1)


def test_a_program_that_is_killed_has_failed_before_its_time_is_over(client):
    with Served("--task-ids", "create_task_1") as served:
        play(client, "dying", served.url, served.token, code=9)
        (run,) = served.ended()
    assert run.termination_reason == "agent_error"
    assert run.info["error"] == "agent: the program is gone: it has left without a word"


def test_a_program_that_is_silent_has_failed(client):
    with Served("--task-ids", "create_task_1", "--session-timeout", "2") as served:
        play(client, "silent", served.url, served.token, code=9)
        (run,) = served.ended()
    assert run.termination_reason == "agent_error"
    assert run.info["error"] == "agent: the program made no call for 2 seconds"


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def test_requests_that_may_not_be_answered_are_refused():
    with Served("--task-ids", "create_task_1") as served:
        wrong = {"Authorization": "Bearer wrong"}
        assert served.request(body=INITIALIZE, **wrong)[0] == 401
        assert served.request(body=INITIALIZE, Host="example.com")[0] == 421
        assert served.request(body=INITIALIZE, Origin="http://example.com")[0] == 403
        assert served.request(body=INITIALIZE, Content_Type="text/plain")[0] == 415
        assert served.request(body="{" + " " * 1_100_000 + "}")[0] == 413
        assert served.request(body="{")[0] == 400
        assert served.request(body='{"x": NaN}')[0] == 400
        assert served.request(path="/", body=INITIALIZE)[0] == 404
        assert served.request(path="/mcp/a/b", body=INITIALIZE)[0] == 404
        assert served.request(path="/mcp/" + "a" * 65, body=INITIALIZE)[0] == 404
        status, text = served.request(body={**INITIALIZE, "method": "tools/list"})
        assert status == 400
        assert "open a session first" in text
        status, text = served.request(body=INITIALIZE, mcp_session_id="0" * 32)
        assert status == 404
        assert "Session not found" in text
        assert served.request("GET", body=None)[0] == 400
        assert served.request(body=INITIALIZE, Accept="text/html")[0] == 406
        play(sys.executable, "leaving", served.url, served.token)
        (run,) = served.ended()
    assert run.reward_info.reward == 1, "none of it reached the episode"


def refusal(client, where, token):
    (said,) = play(client, "refused", where, token)["said"]
    # Version 1 of the package shows no more of a refusal than its status.
    assert "this token does not open this session" in said or "401 Unauthorized" in said
    return said


def test_a_session_s_token_opens_this_session_only(client, folder):
    episodes = ("--task-ids", "create_task_1", "--num-trials", "2", "--max-concurrency", "2")
    with Served(*episodes, "--record") as served, Served("--save-to", "another") as another:
        status, text = served.request(path="/sessions")
        assert status == 201
        first, second = json.loads(text), json.loads(served.request(path="/sessions")[1])
        assert first["token"] != second["token"]
        assert first["mcp_url"].startswith(f"{served.url}/")
        refusal(client, second["mcp_url"], first["token"])
        refusal(client, served.url, first["token"])
        refusal(client, first["mcp_url"], served.token)
        refusal(client, another.url, first["token"])
        refusal(client, another.url, served.token)
        for own in (first, second):
            play(client, "everything", own["mcp_url"], own["token"])
        runs = served.ended()
    assert [run.reward_info.reward for run in runs] == [1, 1]
    secrets = {first["token"], second["token"], served.token, first["mcp_url"].rpartition("/")[2]}
    kept = [file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.is_file()]
    shown = served.printed.replace(f"Bearer {served.token}", "")
    assert not [secret for secret in secrets for text in (*kept, shown) if secret in text]


def test_a_session_s_token_ends_with_the_session(client):
    episodes = ("--task-ids", "create_task_1", "--num-trials", "2", "--max-concurrency", "1")
    with Served(*episodes) as served:
        key = json.loads(served.request(path="/sessions")[1])
        play(client, "looking", key["mcp_url"], key["token"])
        play(client, "leaving", key["mcp_url"], key["token"])
        refusal(client, key["mcp_url"], key["token"])
        key = json.loads(served.request(path="/sessions", body={"reconnects": True})[1])
        seen = play(client, "named", key["mcp_url"], key["token"])
        assert seen["end"] == seen["after"] == OVER
        runs = served.ended()
    assert [run.termination_reason for run in runs] == ["agent_stop"] * 2
    assert [run.reward_info.reward for run in runs] == [1, 1]


def test_a_session_s_token_opens_one_session():
    call = {"name": "get_users", "arguments": {}}
    calling = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}
    episodes = ("--task-ids", "create_task_1", "--num-trials", "2", "--max-concurrency", "2")
    with Served(*episodes) as served:
        key = json.loads(served.request(path="/sessions")[1])
        path = key["mcp_url"][key["mcp_url"].index("/mcp") :]
        own = {"Authorization": f"Bearer {key['token']}"}

        def opened():
            with contextlib.closing(served.connection()) as connection:
                headers = {"Content-Type": "application/json", **ACCEPTED, **own}
                connection.request("POST", path, json.dumps(INITIALIZE), headers)
                answer = connection.getresponse()
                return answer.headers["mcp-session-id"], answer.read().decode()

        first, second = opened()[0], opened()[0]
        assert (
            "The conversation is over"
            in served.request(path=path, body=calling, mcp_session_id=first, **own)[1]
        )
        assert "user_1" in served.request(path=path, body=calling, mcp_session_id=second, **own)[1]
        assert opened()[0] is None
        assert "which is open already or is over" in opened()[1]
        # A session of somebody else is not found with this token.
        other = play(sys.executable, "leaving", served.url, served.token)
        assert other == {}
        status, _ = served.request(body=calling, mcp_session_id=second)
        assert status == 404
        assert served.request("DELETE", path, mcp_session_id=second, **own)[0] == 200
        assert served.request(path=path, body=INITIALIZE, **own)[0] == 401
        assert len(served.ended()) == 2


def test_a_wrong_token_and_none_are_told_apart():
    with Served("--task-ids", "create_task_1") as served:
        for given, sentence in (
            ("Bearer wrong", "this token does not open this session: it is wrong, of another"),
            ("", "send the token: Authorization: Bearer TOKEN"),
            ("Basic eDp5", "send the token: Authorization: Bearer TOKEN"),
        ):
            status, text = served.request(body=INITIALIZE, Authorization=given)
            assert status == 401
            assert json.loads(text)["error"]["message"].startswith(sentence)


def test_who_comes_when_all_are_under_way_waits_for_the_next():
    episodes = ("--task-ids", "create_task_1", "--num-trials", "3", "--max-concurrency", "1")
    with Served(*episodes) as served:
        ends = play(sys.executable, "crowd", served.url, served.token, "3")["ends"]
        served.ended()
    assert ends == [OVER] * 3


def test_ctrl_c_ends_a_run_for_which_nobody_plays():
    with Served("--num-tasks", "2") as served:
        play(sys.executable, "leaving", served.url, served.token)
        time.sleep(1)
        served.process.send_signal(signal.SIGINT)
        runs = served.ended(code=130)
    assert len(runs) == 1
    assert "interrupted after 1 of 2 simulations" in served.printed
    assert "tau2 serve-domain mock" in served.printed
    assert "--auto-resume" in served.printed


def test_what_is_missing_is_played_later():
    with Served("--num-tasks", "2") as served:
        play(sys.executable, "leaving", served.url, served.token)
        time.sleep(1)
        served.process.send_signal(signal.SIGTERM)
        served.ended(code=130)
    with Served("--num-tasks", "2", "--auto-resume") as served:
        play(sys.executable, "leaving", served.url, served.token)
        runs = served.ended()
    assert len(runs) == 2


def called(client, scenario, *arguments):
    """Play with a program that is started for every episode; return the simulations."""
    command = f"{client} {HERE / 'client.py'} {scenario} -"
    users = ("--user", "scripted_user", "--save-to", "called", "--task-ids", "create_task_1")
    done = subprocess.run(
        [*TAU2, "serve-domain", "mock", "--agent-command", command, *users, *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done, Results.load(Path("simulations/called")).simulations


def test_a_program_that_is_started_for_every_episode(client):
    done, runs = called(client, "solving", "--num-trials", "3", "--max-concurrency", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [run.reward_info.reward for run in runs] == [1, 1, 1]
    assert "Bearer" not in done.stdout


def test_a_program_that_crashes_is_an_infrastructure_failure(client):
    done, (run,) = called(client, "crashing", "--max-retries", "0")
    assert done.returncode == 1
    assert run.termination_reason == "infrastructure_error"
    assert "the model cannot be loaded" in run.info["error"]


def test_a_run_starts_a_program_for_every_episode(client):
    command = f"{client} {HERE / 'client.py'} solving -"
    users = ("--user", "scripted_user", "--save-to", "started", "--task-ids", "create_task_1")
    trials = ("--num-trials", "2", "--max-concurrency", "2", "--record")
    done = subprocess.run(
        [*TAU2, "run", "--domain", "mock", "--agent-command", command, *users, *trials],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = Results.load(Path("simulations/started"))
    assert results.info.agent_info.implementation == "program_agent"
    assert [run.reward_info.reward for run in results.simulations] == [1, 1]
