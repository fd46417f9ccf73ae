"""The timeline of a call as text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from tests.calls import a_call, with_call
from tests.unit.report.conftest import a_run

from tau2.metrics.timeline import timeline_of
from tau2.report.terminal.conversation import conversation_view
from tau2.report.terminal.timeline import timeline_head, timeline_rows
from tau2.view.content.blocks import blocks_of


def seconds(text: str) -> str:
    """Return a line with five ticks for every letter."""
    return "".join(5 * letter for letter in text)


#         0123456789012345678901234
USER = "..uuu....b.....uuu......."
AGENT = "uu...aaaaaaa..aa.....aaaa".replace("u", "a")


def drawn(width: int, user: str = USER, agent: str = AGENT) -> list[str]:
    ticks = a_call(seconds(user), seconds(agent))
    with_call(ticks, 5 * 19)
    return [row.text for row in timeline_rows(timeline_of(ticks), width)]


def test_a_cell_is_a_second():
    assert drawn(80) == [
        "      0:00      0:10      0:20",
        "agent ██   ███████  ██     ████",
        "user    ███    ░     ███",
        "                         ▼",
        "█ speaks  ░ backchannel  ▼ tool call  × cut off  * effect",
    ]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_long_call_takes_several_rows_and_no_more_room(width):
    rows = drawn(width, USER * 8, AGENT * 8)

    assert max(map(len, rows)) <= width
    shown = "".join(row.removeprefix("agent ").ljust(width - 6) for row in rows if "agent" in row)
    assert shown.count("█") == 8 * 15


def test_the_head_says_how_much_each_spoke():
    ticks = a_call(seconds("uuu....u"), seconds("....aaaa"))

    assert timeline_head(timeline_of(ticks)) == (
        "call 0:08: agent 4 s, user 4 s, both 1 s, silence 1 s"
    )


def spoken(**fields):
    ticks = a_call(seconds("uu....u"), seconds("...aa.."))
    ticks[12].user_transcript = "who " * 10
    return a_run(ticks=ticks, **fields)


def test_a_conversation_says_when_and_what_was_heard():
    console = Console(file=io.StringIO(), width=80)
    console.print(conversation_view(spoken(messages=None)))
    shown = console.file.getvalue()

    assert "agent    ██" in shown
    assert "0. user, 0:00" in shown
    assert "1. agent, 0:03" in shown
    assert "(the agent heard: who who" in shown


def test_the_blocks_of_a_call_draw_its_timeline_in_any_width():
    from tau2.report.terminal.timeline import readable

    blocks = blocks_of(readable(spoken(messages=None)), None, ())

    (timeline,) = [block for block in blocks if block.drawn is not None]
    assert timeline.head.startswith("call 0:07")
    assert ("agent    ██", "agent") in timeline.lines(60)
    assert [block.head for block in blocks if block.kind == "message"] == [
        "0. user 0:00", "1. agent 0:03", "2. user 0:06"
    ]  # fmt: skip


def test_a_text_run_is_shown_as_before():
    assert all(block.drawn is None for block in blocks_of(a_run(), None, ()))
