"""Tracing an episode encloses every turn and tool call, and changes nothing."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

import pytest
from tests.cast import calls, create_meeting, said, says, stage

from tau2.errors import AgentError
from tau2.orchestrator.episode import Failure
from tau2.orchestrator.tracing import CombinedTracer

SCRIPTS = says(create_meeting(), calls("nothing"), "It is on the list."), says("Please.")


class Diary:
    """Writes down what begins and ends."""

    def __init__(self, name: str = ""):
        self.name, self.lines, self.told = name, [], []

    @contextmanager
    def turn(self, ask):
        with self._enclosing(ask.to.value) as tell:
            yield tell

    @contextmanager
    def tool_call(self, call):
        with self._enclosing(call.name) as tell:
            yield tell

    @contextmanager
    def _enclosing(self, what):
        self.lines.append(f"{what} begins")
        yield self.told.append
        self.lines.append(f"{what} ends")


def traced(*diaries, scripts=SCRIPTS):
    episode = stage("create_task_1", *scripts)
    episode.tracer = CombinedTracer(diaries)
    return episode


def turn(what: str) -> list[str]:
    return [f"{what} begins", f"{what} ends"]


EVERYTHING = [
    *turn("user"),
    *turn("agent"),
    "env begins",
    *turn("create_task"),
    "env ends",
    *turn("agent"),
    "env begins",
    *turn("nothing"),
    "env ends",
    *turn("agent"),
    *turn("user"),
]


@pytest.mark.parametrize(
    "drive", [lambda e: e.run(), lambda e: asyncio.run(e.arun())], ids=["sync", "async"]
)
def test_turns_enclose_tool_calls(drive):
    diary = Diary()
    run = drive(traced(diary))
    assert diary.lines == EVERYTHING
    assert said(run) == said(stage("create_task_1", *SCRIPTS).run())


def test_steps_are_traced_too():
    diary = Diary()
    episode = traced(diary)
    while not episode.done:
        episode.step()
    assert diary.lines == EVERYTHING


def test_several_tracers_see_the_same():
    first, second = Diary(), Diary()
    traced(first, second).run()
    assert first.lines == second.lines
    assert len(first.told) == len(first.lines) // 2


def test_a_failure_is_reported():
    diary = Diary()
    traced(diary, scripts=(says(AgentError("lost for words")), says("Please."))).run()
    assert isinstance(diary.told[-1], Failure)
