"""Protocols as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.report.safe_text import plain
from tau2.report.terminal.tables import new_table
from tau2.runner.protocols import Protocol, Setting


def protocols_view(protocols: Sequence[Protocol]) -> RenderableType:
    """Return each protocol with its settings and their sources."""
    return Group(*_parts(protocols))


def _parts(protocols: Sequence[Protocol]) -> Iterator[RenderableType]:
    for number, protocol in enumerate(protocols):
        if number:
            yield Text("")
        yield plain(protocol.name, style="bold")
        kind = "voice" if protocol.is_voice else "text"
        yield plain(f"{protocol.title}; {kind}; {', '.join(protocol.domains)}")
        table = new_table("setting", "value", "source", fold=("value", "source"))
        for setting in protocol.settings:
            table.add_row(plain(_name(setting)), plain(_value(setting)), plain(setting.source))
        yield table


def _name(setting: Setting) -> str:
    return setting.field.rpartition(".")[2]


def _value(setting: Setting) -> str:
    value = setting.value
    if isinstance(value, dict):
        value = ", ".join(f"{name} {item}" for name, item in value.items())
    only = f" ({', '.join(setting.domains)} only)" if setting.domains else ""
    return f"{value}{only}"
