"""`tau2 protocols`, `tau2 run --protocol` and `tau2 compare`, as a user types them."""

from __future__ import annotations

import json

from tau2.data_model.simulation import Results

OFFLINE = (
    *("--domain", "airline", "--agent", "oracle_agent", "--user", "scripted_user"),
    *("--num-tasks", "1", "--num-trials", "1"),
)


def test_the_list_names_every_setting_with_its_source(tau2):
    shown = tau2("protocols", "aa-tau3-banking").out
    assert "bm25_grep" in shown
    assert "not published" in shown
    data = json.loads(tau2("protocols", "--json").out)
    assert set(data) == {"aa-tau3-banking", "taubench-text", "taubench-voice"}
    assert all(entry["source"] for one in data.values() for entry in one["settings"])


def test_an_unknown_protocol_is_named_with_the_nearest(tau2):
    ended = tau2("protocols", "taubench-txt")
    assert ended.code == 2
    assert "did you mean 'taubench-text'?" in ended.err


def test_a_run_says_which_protocol_it_followed_and_where_it_departed(tau2):
    ended = tau2("run", *OFFLINE, "--protocol", "taubench-text", "--save-to", "pinned", "--json")
    protocol = json.loads(ended.out)["protocol"]
    assert protocol["name"] == "taubench-text"
    assert "num_trials is 1, not 4" in protocol["departures"]
    info = Results.load("data/simulations/pinned").info
    assert info.protocol == "taubench-text"
    assert info.protocol_departures == protocol["departures"]
    assert info.user_info.llm == "gpt-5.2"  # pinned, although no model was called


def test_a_pinned_run_is_resumed_with_more_trials(tau2):
    tau2("run", *OFFLINE, "--protocol", "taubench-text", "--save-to", "pinned")
    ended = tau2("run", "--resume", "pinned", "--num-trials", "2", "--quiet")
    assert ended.code == 0, ended.err
    assert len(Results.load("data/simulations/pinned").simulations) == 2


def test_runs_of_different_protocols_are_compared_only_on_request(tau2):
    tau2("run", *OFFLINE, "--protocol", "taubench-text", "--save-to", "pinned")
    tau2("run", *OFFLINE, "--save-to", "free")
    refused = tau2("compare", "pinned", "free")
    assert refused.code == 2
    assert "taubench-text and none" in refused.err
    assert tau2("compare", "pinned", "free", "--across-protocols").code == 0
