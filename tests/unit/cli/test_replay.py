"""`--record`, `--cache`, `--max-cost` and `tau2 replay` as a user has them.

And nobody's keys in any file.
"""

from __future__ import annotations

import base64
import json
import random
import string
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.stub import StubServer, by_turn, failing

from tau2.agent import llm_agent as agent_module

MEETING = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}


def arguments(stub, **args):
    options = {"api_base": stub.base_url, "api_key": "not-a-word-42", "num_retries": 0, **args}
    return (
        "run", "--domain", "mock", "--user", "scripted_user", "--agent-llm", "openai/some-model",
        "--agent-llm-args", json.dumps(options), "--task-ids", "create_task_1", "update_task_1",
        "--retry-delay", "0",
    )  # fmt: skip


@pytest.fixture
def stub():
    with StubServer(by_turn([MEETING, "It is on the list."])) as server:
        yield server


def test_a_recorded_run_can_be_replayed_and_a_changed_prompt_is_found(tau2, stub, monkeypatch):
    assert tau2(*arguments(stub), "--record", "--save-to", "first").code == 0
    ended = tau2("replay", "first")
    assert (ended.code, ended.err) == (0, "")
    assert "identical 2, diverged 0" in ended.out
    monkeypatch.setattr(
        agent_module, "AGENT_INSTRUCTION", agent_module.AGENT_INSTRUCTION + "\nSay please."
    )
    ended = tau2("replay", "first")
    assert ended.code == 1
    assert "identical 0, diverged 2" in ended.out
    assert "first divergence: create_task_1, trial 0" in ended.out
    assert "model call 1 (agent_response): another request than was recorded" in ended.out
    assert "+ Say please." in ended.out
    assert "also diverged: update_task_1 trial 0" in ended.out
    found = json.loads(tau2("replay", "first", "--json").out)
    assert (found["identical"], found["diverged"], found["not_recorded"]) == (0, 2, 0)
    assert found["first_divergence"]["call"] == 1


def test_a_run_that_was_not_recorded_says_so(tau2, stub):
    tau2(*arguments(stub), "--save-to", "first")
    ended = tau2("replay", "first")
    assert ended.code == 1
    assert (
        "not recorded (tau2 run --record): create_task_1 trial 0, update_task_1 trial 0"
        in ended.out
    )


def test_there_is_no_such_run(tau2):
    ended = tau2("replay", "nothing")
    assert ended.code == 2
    assert "nothing" in ended.err


def test_the_cache_is_counted(tau2, stub):
    first = tau2(*arguments(stub), "--cache", "answers", "--save-to", "a")
    assert f"cache: 0 responses from it, {stub.requests} calls sent" in first.out
    second = tau2(*arguments(stub), "--cache", "answers", "--save-to", "b", "--json")
    assert json.loads(second.out)["cache"] == {"hits": stub.requests, "misses": 0}


def test_the_end_of_the_money_is_explained(tau2, stub):
    ended = tau2(
        *arguments(stub, **PRICES, max_tokens=200), "--max-cost", "0.0001", "--save-to", "poor"
    )
    assert ended.code == 1
    assert "spent $0.0000 of $0.0001" in ended.out
    assert "out of money: max_cost $0.0001" in ended.err
    assert "finished: 0 of 2 simulations; continue with a higher --max-cost" in ended.err
    assert "--save-to poor --auto-resume" in ended.err
    again = tau2(
        *arguments(stub, **PRICES, max_tokens=200),
        "--max-cost",
        "1",
        "--save-to",
        "poor",
        "--auto-resume",
    )
    assert again.code == 0
    assert "of $1.0000 (prices as of" in again.out


def test_a_price_must_be_known_under_a_cap(tau2, stub):
    ended = tau2(*arguments(stub), "--max-cost", "1")
    assert ended.code == 2
    assert "price of model 'openai/some-model'" in ended.err
    assert stub.requests == 0


# --- secrets --------------------------------------------------------------------------------------


def planted(count: int) -> list[str]:
    """Return secrets as people have them.

    Letters, digits and characters that need quoting somewhere.
    """
    rng = random.Random(50)
    return [
        "".join(rng.choices(string.ascii_letters + string.digits, k=18))
        + rng.choice(["", '"q', "\\b", "/+=", "%2F", "é"])
        for _ in range(count)
    ]


SECRETS = planted(50)
HEADERS, ENVIRONMENT, BODY, KEYS = SECRETS[:10], SECRETS[10:30], SECRETS[30:40], SECRETS[40:48]
PASSWORD, PARAMETER = (quote(secret, safe="") for secret in SECRETS[48:])


def echoes(body):
    """Answer like a careless server: with keys in errors, texts and arguments of tools."""
    known = [*HEADERS, *ENVIRONMENT, *BODY, *KEYS, PASSWORD, PARAMETER, *SECRETS[48:]]
    turn = sum(message["role"] in {"tool", "user"} for message in body["messages"])
    if turn % 3 == 0:
        return failing(500, "who are you? " + " ".join(known))
    call = {
        "name": "create_task",
        "arguments": {"user_id": "user_1", "title": " ".join(known), "api_key": KEYS[0]},
    }
    return {"content": " and ".join(known), "tool_calls": None} if turn % 2 else call


@pytest.mark.slow
def test_50_planted_secrets_are_in_no_file_of_tape_cache_and_budget(tau2, monkeypatch):
    for number, secret in enumerate(ENVIRONMENT):
        owner = ("VENDOR", "MY", "DB")[number % 3]
        kind = ("API_KEY", "TOKEN", "SECRET")[number % 3]
        monkeypatch.setenv(f"{owner}_{number}_{kind}", secret)
    with StubServer(echoes) as stub:
        host = stub.base_url.removeprefix("http://")
        args = {
            **PRICES,
            "api_key": KEYS[0],
            "api_base": f"http://me:{PASSWORD}@{host}?api_key={PARAMETER}",
            "num_retries": 1,
            "extra_headers": {
                f"X-Key-{number}": secret.encode("ascii", "ignore").decode()
                for number, secret in enumerate(HEADERS)
            },
            "extra_body": {
                "credentials": {f"secret_{n}_token": secret for n, secret in enumerate(BODY)},
                "keys": KEYS,
            },
        }
        tau2(
            "run", "--domain", "mock", "--user", "scripted_user", "--agent-llm",
            "openai/some-model", "--agent-llm-args", json.dumps(args), "--retry-delay", "0",
            "--max-retries", "1", "--num-trials", "2", "--record", "--cache", "answers",
            "--max-cost", "5", "--save-to", "leaky",
            "--stop-after-failures", "0",  # else it depends on timing how much is played
        )  # fmt: skip
        assert stub.requests > 20
    run = Path("data/simulations/leaky")
    files = [
        path
        for folder in (run / "tape", run / "budget", Path("answers"))
        for path in folder.rglob("*")
    ]
    texts = {path: path.read_text() for path in files if path.is_file()}
    assert len(texts) > 20
    leaks = {
        (path.name, secret)
        for path, text in texts.items()
        for secret in SECRETS
        if _stands_in(secret, text)
    }
    assert {(name, SECRETS.index(secret)) for name, secret in leaks} == set()
    assert tau2("replay", "leaky").code in {0, 1}  # and it says nothing that was hidden


def _stands_in(secret: str, text: str) -> bool:
    core = secret[:18]  # without the characters that are spelt in many ways
    return core in text or base64.b64encode(core.encode()).decode() in text
