"""What an audit says of tasks whose agent has to read before it acts."""

from __future__ import annotations

import json

from tests import shop

from tau2.audit import checks
from tau2.audit.knowledge import (
    Library,
    check_documents,
    check_free_text,
    check_people,
)
from tau2.audit.trajectory import play_reference
from tau2.audit.values import is_spoken_date, values_of
from tau2.data_model.tasks import Task
from tau2.environment.discovery import DiscoverableAgentTools, DiscoveryDB
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.environment.toolkit import ToolType, is_discoverable_tool, is_tool
from tau2.knowledge.documents import Document

RULES = Document(
    "doc_closing_001", "Closing accounts", "Use close_account_7392 with a reason code."
)
FEES = Document("doc_fees_001", "Fees", "Use refund_fee_1234. The code is GOODWILL.")
LIBRARY = Library([RULES, FEES])


class NotesDB(DiscoveryDB):
    """Notes about customers."""

    users: dict[str, dict[str, str]]
    notes: dict[str, str]


class NotesTools(DiscoverableAgentTools):
    """An agent's tools."""

    @is_tool(ToolType.READ)
    def find_user(self, customer_name: str) -> str:
        """Find a customer."""
        return next((i for i, user in self.db.users.items() if user["name"] == customer_name), "")

    @is_tool(ToolType.WRITE)
    def add_note(self, user_id: str, reason: str) -> str:
        """Write a note."""
        self.db.notes[user_id] = reason
        return "noted"

    @is_tool(ToolType.WRITE)
    def refuse(self) -> str:
        """Refuse as the original does."""
        return "Error: no"

    @is_discoverable_tool(ToolType.READ)
    def get_accounts_0001(self, user_id: str) -> str:
        """Look up accounts."""
        return "acc_77" if user_id == "u1" else ""

    @is_discoverable_tool(ToolType.WRITE)
    def close_account_7392(self, account_id: str, reason: str = "Not needed any more") -> str:
        """Close an account."""
        self.db.notes[account_id] = reason
        return "closed"


def setup(task: Task, *, strict: bool = False) -> TaskSetup:
    database = NotesDB(users={"u1": {"name": "Ada Quill"}}, notes={})
    return TaskSetup(
        task,
        lambda: Environment("notes", "", NotesTools(database.view()), strict_compat=strict),
    )


def closing(**arguments: str) -> Task:
    """Return a task that closes an account."""
    tool = "close_account_7392"
    return shop.task(
        shop.act("unlock_discoverable_agent_tool", agent_tool_name=tool),
        shop.act(
            "call_discoverable_agent_tool", agent_tool_name=tool, arguments=json.dumps(arguments)
        ),
        reason="You want to close your account, because the card is lost.",
        required_documents=[RULES.id],
    )


def calling(tool: str, *documents: str) -> Task:
    """Return a task that calls a discoverable tool."""
    arguments = json.dumps({"account_id": "acc_7"})
    return shop.task(
        shop.act("call_discoverable_agent_tool", agent_tool_name=tool, arguments=arguments),
        required_documents=list(documents),
    )


def test_a_required_document_has_to_exist_under_its_id_or_title() -> None:
    task = calling("close_account_7392", RULES.id, FEES.title, "doc_closing_999")
    assert check_documents(task, LIBRARY) == ["requires 'doc_closing_999', which is no document"]


def test_a_tool_has_to_be_named_by_a_document_that_is_required() -> None:
    (elsewhere,) = check_documents(calling("refund_fee_1234", RULES.id), LIBRARY)
    assert "it stands in doc_fees_001" in elsewhere
    (nowhere,) = check_documents(calling("fly_away_0001", RULES.id), LIBRARY)
    assert "no document names it" in nowhere
    assert check_documents(calling("refund_fee_1234", FEES.id), LIBRARY) == []


def test_arguments_that_are_written_as_json_are_looked_into() -> None:
    (action,) = calling("close_account_7392").reference_actions
    assert ("close_account_7392", "account_id", "acc_7") in values_of(action)


def test_a_customer_who_does_not_exist_is_a_finding() -> None:
    task = shop.task(shop.act("add_note", user_id="u2", reason="lost"))
    (finding,) = check_people(setup(task))
    assert "'u2', who does not exist" in finding
    assert check_people(setup(shop.task(shop.act("add_note", user_id="u1", reason="lost")))) == []


def test_free_text_that_is_stored_is_a_finding_unless_somebody_says_it() -> None:
    words = "Customer no longer needs the account"
    task = shop.task(shop.act("add_note", user_id="u1", reason=words))
    (finding,) = check_free_text(setup(task), LIBRARY)
    assert "which is free text" in finding
    said = shop.task(
        shop.act("add_note", user_id="u1", reason=words), instructions=f"You say: {words}."
    )
    assert check_free_text(setup(said), LIBRARY) == []


def test_a_code_is_known_from_a_required_document_only() -> None:
    note = shop.act("add_note", user_id="u1", reason="GOODWILL")
    told = {"known": "Your user ID is u1."}
    for required, findings in ((FEES.id, 0), (RULES.id, 1)):
        noted = setup(shop.task(note, required_documents=[required], **told))
        known = checks.check_known(noted, play_reference(noted), LIBRARY)
        assert len(known) == findings


def test_free_text_that_the_reference_leaves_at_its_default_is_a_finding() -> None:
    """Who closes the account with words of their own is right, and would be graded wrong."""
    (finding,) = check_free_text(setup(closing(account_id="acc_77")), LIBRARY)
    assert "close_account_7392 stores reason" in finding
    assert check_free_text(setup(closing(account_id="acc_77", reason="lost")), LIBRARY) == []


def test_what_look_ups_lead_to_is_known_from_a_name_to_what_belongs_to_the_customer() -> None:
    for account, findings in (("acc_77", 0), ("acc_78", 1)):
        task = setup(closing(account_id=account, reason="lost"))
        assert len(checks.check_known(task, play_reference(task), LIBRARY)) == findings


def test_a_date_in_words_is_known() -> None:
    assert is_spoken_date("11/08/2025", "It was on November 8th.")
    assert not is_spoken_date("11/08/2025", "It was on November 18th.")


def test_a_refusal_that_is_a_mere_text_is_an_error_of_the_reference() -> None:
    task = shop.task(shop.act("refuse"))
    (error,) = play_reference(setup(task, strict=True)).errors
    assert "Error: no" in error
    assert play_reference(setup(task)).errors == []
