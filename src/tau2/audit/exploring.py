"""What an agent can find out by looking: its reading tools, called with what was read so far."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tau2.audit.trajectory import ScriptedEpisode
from tau2.data_model.message import ToolCall
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase, ToolType

_UNLOCK = "unlock_discoverable_agent_tool"
_CALL = "call_discoverable_agent_tool"
_SUBJECT = re.compile(
    # An identifier has a digit, and is read from its beginning: never again from each letter.
    r"(?:#|(?<![A-Za-z0-9_]))(?=[A-Za-z_]*+[0-9])[A-Za-z0-9_]++"
    r"|[\w.]{1,64}+@[\w.]{1,255}\w"
)
"""What can be looked up: an identifier, or an address of mail."""
_NAME = re.compile(r"\b[A-Z][\w'-]{1,20}(?: [A-Z][\w'-]{1,20}){1,2}\b")
"""What can be looked up where a name is asked for."""
_MOST_SUBJECTS = 400
_STEPS = 3  # from a name to a customer, from there to an account, and to what belongs to it


class _LookUp(NamedTuple):
    """A reading tool that takes one value."""

    field: str
    look: Callable[[str], ToolCall]


def explored(episode: ScriptedEpisode, texts: Sequence[str], skipped: frozenset[str]) -> list[str]:
    """Return the results of the agent's reading tools on what stands in texts, some steps deep.

    Discoverable tools are among them. The first of the texts is
    the scenario, the second holds schemas, in which nothing can be looked up. `skipped` are tools
    that tell nothing.
    """
    toolkit = episode.environment.tools
    if toolkit is None:
        return []
    environment = episode.environment.fork()
    listed = [
        (name, list(tool.params.model_fields))
        for name, tool in toolkit.get_tools().items()
        if _reads(toolkit, name) and name not in skipped
    ]
    lookups = [
        _LookUp(fields[0], _listed(name, fields[0])) for name, fields in listed if len(fields) == 1
    ]
    lookups += _discoverable(environment, toolkit)
    found = [
        environment.get_response(_call(name)).content or "" for name, fields in listed if not fields
    ]
    asked: set[tuple[int, str]] = set()
    for _ in range(_STEPS):
        read = " ".join([*texts[:1], *texts[2:], *found])
        subjects = sorted(set(_SUBJECT.findall(read)))[:_MOST_SUBJECTS]
        names = sorted(set(_NAME.findall(read)))[:_MOST_SUBJECTS]
        for number, lookup in enumerate(lookups):
            for subject in names if lookup.field.endswith("name") else subjects:
                if (number, subject) in asked:
                    continue
                asked.add((number, subject))
                result = environment.get_response(lookup.look(subject))
                if not result.error:
                    found.append(result.content or "")
    return found


def _reads(toolkit: ToolKitBase, name: str) -> bool:
    return not toolkit.tool_mutates_state(name) and not toolkit.looks_outside(name)


def _call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(id="audit", name=name, arguments=arguments)


def _listed(name: str, field: str) -> Callable[[str], ToolCall]:
    return lambda subject: _call(name, **{field: subject})


def _discoverable(environment: Environment, toolkit: ToolKitBase) -> Iterator[_LookUp]:
    """Yield the look-ups of discoverable tools, and unlock them."""
    for name in toolkit.get_discoverable_tools():
        fields = list(toolkit.tool_template(name).params.model_fields)
        if toolkit.tool_type(name) is ToolType.READ and len(fields) == 1:
            environment.get_response(_call(_UNLOCK, agent_tool_name=name))
            yield _LookUp(fields[0], _through_call(name, fields[0]))


def _through_call(name: str, field: str) -> Callable[[str], ToolCall]:
    return lambda subject: _call(
        _CALL, agent_tool_name=name, arguments=json.dumps({field: subject})
    )
