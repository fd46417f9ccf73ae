from __future__ import annotations

import json

from tests.library import LIBRARY

from tau2.registry import registry


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


def test_variants_and_tools_that_are_not_listed(tau2):
    with registry.domains.adding(LIBRARY):
        shown = tau2("domain", "library").out
        other = tau2("domain", "library", "--policy", "--retrieval-config", "by_hand").out
        data = json.loads(tau2("domain", "library", "--json").out)
        refused = tau2("domain", "library", "--retrieval-config", "by_hat")
        introduced = tau2("intro").out
    assert "retrieval variants    3, of which this is by_card" in shown
    assert "by_card (shown)" in shown
    assert "agent's discoverable  3 (2 write, 1 read)" in shown
    assert "waive_fine_17(loan_id: str, amount: float, reason: 'first' | 'error')" in shown
    assert other.strip() == "Read by by_hand {}."
    assert (data["retrieval_config"], data["variants"]["by_hand"]) == ("by_card", "shelves")
    assert [tool["name"] for tool in data["discoverable_user_tools"]] == [
        "reserve_copy_31",
        "shelf_of_32",
    ]
    assert (refused.code, "did you mean 'by_hand'?" in refused.err) == (2, True)
    assert "  library: by_hand, by_card (default), by_phone" in introduced
