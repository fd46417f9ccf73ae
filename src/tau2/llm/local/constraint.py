"""What a local model may write next, as a grammar, and how what it wrote is read.

A turn is either text or one tool call. The grammar admits only calls that parse and validate, of
tools that were offered, so that no model, however small, can write another. Rules of conversation
narrow it further (see `offered`); text is possible always, so a turn never ends nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tau2.actions.tagged import TOOL_CALL_TAGS
from tau2.llm.local.conversation import read_conversation
from tau2.llm.local.gbnf import Characters, Grammar, choice, literal, one_of
from tau2.llm.local.offered import Offer, OfferOptions, Rules, as_offers
from tau2.llm.local.schema_grammar import Known, SchemaGrammar, Unwritable
from tau2.llm.local.string_roles import Role
from tau2.llm.local.text_grammar import characters_of, is_english, text_rule
from tau2.seeds import made_call_id
from tau2.utils.json_types import JsonMapping, JsonObject

_FENCE = "```json\n"
_CALL_START = '{"name": "'
_ARGUMENTS = '", "arguments": '


@dataclass(frozen=True, slots=True)
class ConstraintOptions(OfferOptions):
    """What a constraint admits.

    Attributes:
        follows_conversation: Whether ids, look-ups and repetitions are considered; without, any
            call that is valid by its schema is admitted.
        longest_text: Words of a text without a call.
    """

    follows_conversation: bool = True
    longest_text: int = 120


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a model may write in one turn."""

    grammar: str
    """In GBNF, the notation of llama.cpp."""
    tools: tuple[str, ...] = ()
    """The names of the tools that may be called."""
    _scope: tuple[object, ...] = field(default=(), repr=False)

    def read(self, text: str) -> JsonObject:
        """Return the assistant message, of OpenAI's form, that a text of the grammar is.

        A text that was cut short within a call is a message that says nothing.
        """
        text = text.strip()
        body = text.removeprefix(TOOL_CALL_TAGS.opening).removeprefix(_FENCE)
        is_call = body != text or text.startswith("{")
        if not is_call:
            return {"role": "assistant", "content": text}
        try:
            call = json.loads(body.removesuffix(TOOL_CALL_TAGS.closing))
        except ValueError:
            return {"role": "assistant", "content": ""}
        arguments = json.dumps(call["arguments"], ensure_ascii=False)
        id_ = made_call_id(*self._scope, body)
        function = {"name": call["name"], "arguments": arguments}
        made = {"id": id_, "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [made]}


def constraint(
    messages: Sequence[JsonMapping],
    tools: Sequence[JsonMapping],
    *,
    tool_choice: str | JsonMapping | None = None,
    options: ConstraintOptions | None = None,
) -> Constraint:
    """Return what may be written after the messages.

    Args:
        messages: The conversation, in OpenAI's form.
        tools: The tools that are offered, nested or flat.
        tool_choice: OpenAI's: "none", "required", or one tool; a call that is asked for and that
            the rules do not permit is only bound by its schema.
        options: What is admitted; default: the rules of conversation are followed.
    """
    chosen = options or ConstraintOptions()
    offers = _chosen(as_offers(tools), tool_choice)
    has_to_call = bool(offers) and tool_choice not in (None, "auto", "none")
    characters = characters_of(messages)
    grammar = Grammar()
    calls: dict[str, str] = {}
    if chosen.follows_conversation:
        rules = Rules(read_conversation(messages), offers, chosen)
        for offer in rules.offers():
            _add_call(calls, grammar, offer, rules.known(offer), characters)
        has_to_call = has_to_call or (bool(calls) and rules.names_fresh_id)
    if not calls and (has_to_call or not chosen.follows_conversation):
        for offer in offers:
            _add_call(calls, grammar, offer, _Anything(), characters)
    parts = [_call(calls.values())] if calls else []
    if not (calls and has_to_call):
        english = is_english(messages)
        parts.append(text_rule(grammar, characters, chosen.longest_text, is_english=english))
    return Constraint(grammar.text(one_of(parts)), tuple(calls), ("local", len(messages)))


def _chosen(offers: list[Offer], tool_choice: str | JsonMapping | None) -> list[Offer]:
    """Return the tools that a tool choice leaves."""
    if tool_choice == "none":
        return []
    if not isinstance(tool_choice, str) and tool_choice is not None:
        name = (tool_choice.get("function") or tool_choice).get("name")
        return [offer for offer in offers if offer.name == name]
    return offers


def _add_call(
    calls: dict[str, str],
    grammar: Grammar,
    offer: Offer,
    known: Known,
    characters: Characters,
) -> None:
    """Add what a call of a tool looks like between its name's quote and the last brace."""
    writer = SchemaGrammar(grammar, offer.parameters, known, characters)
    try:
        arguments = writer.arguments(offer.excluded)
    except Unwritable:
        return
    rule = grammar.add(offer.name, arguments)
    calls[offer.name] = f"{literal(offer.name + _ARGUMENTS)} {rule}"


def _call(calls: Iterable[str]) -> str:
    """Return a body of any of the calls.

    Models that were never taught the tags begin with a fence or with the object itself, and would
    rather write text than tags. After the object the turn is over.
    """
    opening = choice([TOOL_CALL_TAGS.opening + _CALL_START, _FENCE + _CALL_START, _CALL_START])
    closing = f"{literal(TOOL_CALL_TAGS.closing)}?"
    return f'{opening} {one_of(calls)} "}}" {closing}'


class _Anything:
    """Knows nothing of the values: every one is free."""

    def values(self, name: str, schema: JsonMapping, role: Role) -> Sequence[str | int] | None:
        """Return None: an argument may be anything that its schema admits."""
        del name, schema, role
        return None

    def is_asked_for(self, name: str) -> bool:
        """Return True: any argument may be given."""
        del name
        return True
