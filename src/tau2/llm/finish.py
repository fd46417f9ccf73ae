"""Why a model stopped, in every provider's words."""

from __future__ import annotations

from collections.abc import Mapping

from tau2.utils.json_types import JsonMapping

FAILED_REASONS = frozenset(
    {"error", "failed", "upstream_error", "server_error", "internal_error", "exception"}
    | {"abort", "aborted", "cancelled", "canceled", "timeout", "overloaded"}
    | {"network_error", "insufficient_system_resource"}  # Z.ai, DeepSeek
)
"""The provider, not the model, ended the answer: what there is of it is not the model's answer."""

CUT_SHORT = {
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "max_length"), "length"),
    **dict.fromkeys(("model_length", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(
        ("content_filter", "content_filtered", "safety", "sensitive"), "content_filter"
    ),
    **dict.fromkeys(("prohibited_content", "blocklist", "recitation", "spii"), "content_filter"),
    **dict.fromkeys(("guardrail_intervened", "error_toxic"), "content_filter"),
}
"""Outcomes of an answer that is not whole, by the words for them."""


def finish_reasons(response: JsonMapping) -> list[str]:
    """Return the reasons of all choices in lower case: OpenAI's first, then a provider's own."""
    choices = response.get("choices")
    listed = (
        [choice for choice in choices if isinstance(choice, Mapping)]
        if isinstance(choices, list)
        else []
    )
    names = ("finish_reason", "native_finish_reason", "stop_reason")
    given = [choice.get(name) for name in names for choice in listed]
    return [reason.lower() for reason in given if isinstance(reason, str) and reason]
