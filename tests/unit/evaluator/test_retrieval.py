"""What an agent looked up: which required documents it saw, and whether it acted before."""

from __future__ import annotations

import pytest
from tests.cast import a_task, calls, create_meeting, play, says

from tau2.data_model.message import ToolCall, ToolMessage
from tau2.domains.mock.environment import get_environment
from tau2.domains.mock.tools import MockTools
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolType, is_tool
from tau2.evaluator.retrieval import documents_shown
from tau2.metrics.retrieval import retrieval_figures, retrieval_of
from tau2.user.base_user import STOP

ARTICLES = {"fees": "Fees of meetings", "rooms": "Rooms for meetings"}


class ReadingTools(MockTools):
    """The tools of the mock domain, a knowledge base and a tool that is unlocked."""

    @is_tool(ToolType.READ)
    def KB_search(self, query: str) -> str:  # noqa: N802  -- public name
        """Search the articles."""
        found = [name for name, title in ARTICLES.items() if query in title]
        return "\n\n".join(f"1. {ARTICLES[name]}\nID: {name}\nScore: 1.0" for name in found)

    @is_tool(ToolType.GENERIC, mutates_state=True)
    def unlock_discoverable_agent_tool(self, agent_tool_name: str) -> str:
        """Unlock a tool."""
        return agent_tool_name


def library() -> Environment:
    mock = get_environment()
    return Environment("mock", mock.policy, ReadingTools(mock.tools.db))


def a_reading_task():
    task = a_task(create_meeting())
    task.required_documents = ["fees", "rooms"]
    return task


def played(*script):
    return play(a_reading_task(), says(*script), says("Please.", STOP), environment=library())


def test_an_agent_that_reads_first_has_seen_what_it_needs():
    run = played(calls("KB_search", query="meetings"), create_meeting(), "Done.")
    record = retrieval_of(run)
    assert record is not None
    assert record.recall == 1.0
    assert record.found == ["fees", "rooms"]
    assert (record.searches, record.documents_read) == (1, 2)
    assert not record.acted_unread


def test_an_agent_that_acts_first_and_reads_later_acted_unread():
    run = played(create_meeting(), calls("KB_search", query="Fees"), "Done.")
    record = retrieval_of(run)
    assert record.acted_unread
    assert record.missing == ["rooms"]
    assert run.reward_info.reward == 1.0  # the reward does not depend on it


def test_an_agent_that_only_talks_answered_unread():
    record = retrieval_of(played("There is no such fee."))
    assert record.answered_unread
    assert not record.acted_unread
    assert record.searches == 0


def test_a_tool_that_is_unlocked_and_never_called_is_named():
    unlock = calls("unlock_discoverable_agent_tool", agent_tool_name="waive_fee_1234")
    record = retrieval_of(played(unlock, "Done."))
    assert record.unlocked_unused == ["waive_fee_1234"]
    assert not record.acted_unread  # unlocking settles nothing


def test_a_task_that_needs_no_documents_has_no_record():
    run = play(a_task(create_meeting()), says(create_meeting(), "Done."), says("Please.", STOP))
    assert retrieval_of(run) is None
    assert retrieval_figures([run]) is None


def test_the_figures_of_a_run_are_means_and_counts():
    runs = [
        played(calls("KB_search", query="meetings"), create_meeting(), "Done."),
        played(create_meeting(), "Done."),
    ]
    figures = retrieval_figures(runs)
    assert figures.recall == 0.5
    assert figures.complete == 1
    assert figures.acted_unread == 1
    assert figures.lines()["unread"] == "1 acted before any required document was seen"


@pytest.mark.parametrize(
    ("tool", "arguments", "content", "shown"),
    [
        ("grep", {"pattern": "fee"}, "1. Fees\nID: doc_fees_001\nScore: 2.0000", ["doc_fees_001"]),
        ("shell", {"command": "cat doc_fees_001.md"}, "# Fees", ["doc_fees_001"]),
        ("shell", {"command": "ls"}, "doc_fees_001.md", []),
        ("shell", {"command": "cat doc_fees_001.md"}, "", []),
        ("shell", {"command": 5}, "text", []),
    ],
)
def test_results_without_metadata_are_read(tool, arguments, content, shown):
    call = ToolCall(id="c", name=tool, arguments=arguments)
    assert documents_shown(call, ToolMessage(id="c", content=content)) == shown


def test_somebody_else_s_field_of_that_name_is_no_record():
    run = played("Hello.")
    run.reward_info.info["retrieval"] = {"required": "many"}
    assert retrieval_of(run) is None
