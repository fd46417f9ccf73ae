"""The bank as an environment: somebody's public folder, and our own data."""

from __future__ import annotations

import json
import logging

import pytest
from tests.unit.domains.banking_knowledge.branch import TABLES

from tau2.data_model.tasks import Task
from tau2.domains.banking_knowledge.environment import get_environment
from tau2.domains.banking_knowledge.loading import get_documents, get_tasks, get_tasks_split
from tau2.errors import ConfigError, DataFileError, UnknownName

DOCUMENTS = [
    {"id": "doc_fees_001", "title": "Fees", "content": "Closing early costs $25."},
    {"id": "doc_cards_001", "title": "Cards", "content": "The EcoCard is green."},
]


def task(name: str, **fields: object) -> dict[str, object]:
    return {
        "id": name,
        "user_scenario": {"persona": "calm", "instructions": "You are Ann Lee."},
        "annotations": [{"note": "of the authors"}],
        "evaluation_criteria": {
            "actions": [
                {
                    "action_id": "1",
                    "name": "call_discoverable_agent_tool",
                    "arguments": {
                        "agent_tool_name": "get_user_dispute_history_7291",
                        "arguments": '{"user_id": "ann"}',
                    },
                }
            ],
            "reward_basis": ["DB"],
        },
        "required_documents": ["doc_fees_001"],
        **fields,
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in the public layout."""
    home = tmp_path / "tau2" / "domains" / "banking_knowledge"
    for name in ("tasks", "documents", "prompts"):
        (home / name).mkdir(parents=True)
    (home / "db.json").write_text(
        json.dumps({name: {"data": rows} for name, rows in TABLES.items()})
    )
    for name in ("task_002", "task_001"):
        (home / "tasks" / f"{name}.json").write_text(json.dumps(task(name)))
    for document in DOCUMENTS:
        (home / "documents" / f"{document['id']}.json").write_text(json.dumps(document))
    (home / "prompts" / "no_knowledge.md").write_text("Be kind.")
    (home / "prompts" / "required_docs.md").write_text("Read this.\n{{required_documents}}")
    monkeypatch.setenv("TAU2_DATA_DIR", str(tmp_path))
    return home


def test_tasks_of_the_public_layout_in_the_order_of_their_files(folder, caplog):
    with caplog.at_level(logging.WARNING):
        assert [each.id for each in get_tasks()] == ["task_001", "task_002"]
    assert not caplog.records
    assert [each.id for each in get_tasks("train", ["task_002"])] == ["task_002"]
    assert get_tasks_split() == {"base": ["task_001", "task_002"]}


@pytest.mark.parametrize("content", ["{", '{"id": "task_003"}', "[]"])
def test_a_task_that_cannot_be_read_is_left_out(folder, caplog, content):
    (folder / "tasks" / "task_003.json").write_text(content)
    assert [each.id for each in get_tasks()] == ["task_001", "task_002"]
    assert "task_003.json" in caplog.text
    assert "left out" in caplog.text


def test_documents_of_the_public_layout(folder):
    assert [document.id for document in get_documents()] == ["doc_cards_001", "doc_fees_001"]
    assert get_documents() is get_documents()


def test_a_document_that_is_none_is_named(folder):
    (folder / "documents" / "odd.json").write_text('{"id": "odd"}')
    with pytest.raises(DataFileError, match="title"):
        get_documents()


def test_the_policy_of_a_task_has_its_documents(folder):
    environment = get_environment(retrieval_variant="golden_retrieval")
    environment.prepare(Task.model_validate(task("task_001")))

    assert "Closing early" in environment.get_policy()
    assert "EcoCard" not in environment.get_policy()
    assert "for each task" in environment.get_info().policy


def test_look_ups_that_the_task_asks_for_are_logged(folder):
    def logged(environment) -> int:
        for tool in ("unlock_discoverable_agent_tool", "call_discoverable_agent_tool"):
            arguments = {"agent_tool_name": "get_user_dispute_history_7291"}
            if tool.startswith("call"):
                arguments["arguments"] = '{"user_id": "ann"}'
            environment.use_tool(tool, **arguments)
        return len(environment.tools.db.agent_discoverable_tools)

    wanted = Task.model_validate(task("task_001"))
    options = {"retrieval_variant": "no_knowledge", "task": wanted}
    assert logged(get_environment(**options)) == 1
    assert logged(get_environment(retrieval_variant="no_knowledge")) == 0
    assert logged(get_environment(**options, read_log_allowlist=[])) == 0


def test_the_rules_are_those_of_the_bank_whose_data_it_is(folder, monkeypatch):
    monkeypatch.setenv("TAU2_STRICT_COMPAT", "0")
    environment = get_environment(retrieval_variant="no_knowledge")
    assert not environment.strict_compat
    assert environment.tools.rules.institution == "Rho-Bank"


def test_what_is_not_offered_is_refused_with_a_reason(folder):
    with pytest.raises(ConfigError, match="solo"):
        get_environment(solo_mode=True)
    with pytest.raises(UnknownName, match="no_knowledge"):
        get_environment(retrieval_variant="no_knowlege")


def test_our_own_bank_needs_no_key_and_no_network(monkeypatch):
    monkeypatch.delenv("TAU2_DATA_DIR", raising=False)
    environment = get_environment()
    names = [tool.name for tool in environment.get_tools()]
    assert {"KB_search", "grep"} <= set(names)
    assert "Headland Checking" in environment.tools.KB_search("monthly fee")
    assert environment.tools.rules.institution == "Quillmere Bank"
    assert environment.fork().tools.db is not environment.tools.db
