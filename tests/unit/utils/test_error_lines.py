"""Errors on a terminal are wrapped at words; commands, which people copy, are not."""

from __future__ import annotations

import io

import pytest

from tau2.utils.output import show_error


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(text: str, on: io.StringIO, monkeypatch) -> str:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stderr", on)
    show_error(text)
    return on.getvalue()


def test_a_sentence_is_wrapped_at_its_words(monkeypatch):
    text = "tau2 run: --provider-limits: 'x' is no limit; write a number of calls in flight"
    assert shown(text, Screen(), monkeypatch).splitlines() == [
        "tau2 run: --provider-limits: 'x' is no",
        "  limit; write a number of calls in",
        "  flight",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "tau2 run --domain mock --agent oracle_agent --user scripted_user",
        "    3. play without any model: --agent oracle_agent --user scripted_user",
        """give it as --agent-llm-args '{"api_base": "http://127.0.0.1:8000/v1"}'""",
    ],
)
def test_a_command_stays_on_its_line(monkeypatch, line):
    assert shown(line, Screen(), monkeypatch) == line + "\n"


def test_in_a_file_every_message_is_one_line(monkeypatch):
    assert shown("word " * 40, io.StringIO(), monkeypatch).count("\n") == 1
