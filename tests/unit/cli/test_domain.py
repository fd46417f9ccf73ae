from __future__ import annotations

import json


def test_everything_about_a_domain(tau2):
    shown = tau2("domain", "mock").out
    assert "create_task(user_id: str, title: str, description: str | None = None)  [write]" in shown
    assert "update_task_status(task_id: str, status: 'pending' | 'completed')" in shown
    assert "Tools of the user" in shown
    assert "tasks          10 (splits: base 10)" in shown


def test_the_policy_alone_comes_as_it_is(tau2):
    from tau2.runner.build import build_environment

    assert (
        tau2("domain", "mock", "--policy").out.strip()
        == build_environment("mock").get_policy().strip()
    )


def test_parts_can_be_combined(tau2):
    shown = tau2("domain", "mock", "--tools", "--tasks").out
    assert "dismiss_notification" in shown
    assert "create_task_1" in shown
    assert "# Task desk" not in shown


def test_the_same_as_json(tau2):
    whole = json.loads(tau2("domain", "mock", "--json").out)
    assert set(whole) == {"domain", "policy", "tools", "user_tools", "tasks", "splits"}
    assert whole["tools"][0]["parameters"]["type"] == "object"
    only = json.loads(tau2("domain", "mock", "--tasks", "--json").out)
    assert set(only) == {"domain", "tasks", "splits"}
    assert len(only["tasks"]) == 10


def test_an_unknown_domain_suggests_the_nearest(tau2):
    ended = tau2("domain", "retial")
    assert ended.code == 2
    assert "did you mean 'retail'?" in ended.err
