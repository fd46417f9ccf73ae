"""A message has one number wherever it is shown: the one that it is stored with; the first is 0."""

from __future__ import annotations

import re

from tests.unit.report.conftest import a_run, shown, some_results

from tau2.evaluator.review_prompt import ReviewRequest, turn_lines
from tau2.report.cleaner import Cleaner
from tau2.report.export import message_rows
from tau2.report.html.conversation import conversation_data
from tau2.report.terminal.conversation import conversation_view
from tau2.view.content.blocks import blocks_of

WHOSE = {0: "agent", 1: "user", 2: "agent", 3: "result"}


def test_the_terminal_the_reviewer_and_exports_count_alike(screen):
    run = a_run()
    titles = re.findall(r"─ (\d)\. (\w+)", shown(screen, conversation_view(run)))
    assert {int(number): who for number, who in titles} == WHOSE
    rows = list(message_rows("a", some_results(run)))
    assert [row["index"] for row in rows] == list(WHOSE)
    lines = list(turn_lines(ReviewRequest(run.get_messages(), "full")))
    assert [line.partition("]")[0] for line in lines] == [f"[{number}" for number in WHOSE]


def test_the_application_and_the_page_count_alike():
    run = a_run()
    heads = " ".join(block.head for block in blocks_of(run, None, ()))
    assert re.findall(r"(\d)\. (agent|user)", heads)[:2] == [("0", "agent"), ("1", "user")]
    page = conversation_data(run, None, (), Cleaner())
    # A result is part of its call there.
    assert [entry["turn"] for entry in page["messages"]] == [0, 1, 2]


def test_a_message_without_a_number_is_counted_by_its_place():
    run = a_run()
    for message in run.messages:
        message.turn_idx = None
    page = conversation_data(run, None, (), Cleaner())
    assert [entry["turn"] for entry in page["messages"]] == [0, 1, 2]
