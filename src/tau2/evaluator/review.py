"""A model reviews a finished conversation: which participant made which mistake, and how severe.

A review never changes a reward. A reviewer's response is read completely or not at all: one that
does not say whose a mistake is is asked for again, once; the second one is a failure of the
reviewer.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias

from tau2.data_model.message import AssistantMessage, Message, ToolMessage, UserMessage
from tau2.data_model.review import (
    ErrorSource,
    ErrorType,
    Review,
    ReviewError,
    UserOnlyReview,
    UserOnlyReviewError,
)
from tau2.data_model.run_config import ReviewMode
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.errors import ModelError
from tau2.evaluator.answers import list_under
from tau2.evaluator.evidence import Judge
from tau2.evaluator.review_prompt import ReviewRequest, review_messages
from tau2.llm.cost import sum_known
from tau2.llm.secrets import Redactor, secrets_in_args, secrets_in_environment
from tau2.utils.json_types import JsonObject

AnyReview: TypeAlias = Review | UserOnlyReview

_ATTEMPTS = 2  # requests for a readable review before the reviewer counts as failed
_MOST_ERRORS = 100
_LONGEST_TEXT = 4000  # characters of one text of a review that are kept
_LONGEST_EXCERPT = 200
_CALL_NAME = "review"

_SOURCES = {
    **dict.fromkeys(("agent", "assistant"), ErrorSource.AGENT),
    **dict.fromkeys(("user", "customer", "user_simulator", "user simulator"), ErrorSource.USER),
}


def review_simulation(
    run: SimulationRun,
    task: Task | None,
    reviewer: Judge,
    mode: ReviewMode = "full",
    *,
    policy: str | None = None,
    redactor: Redactor | None = None,
) -> AnyReview:
    """Have a model review a simulation: both participants (`full`) or the simulated user (`user`).

    Args:
        run: The conversation.
        task: Gives the user's scenario and the reference actions; None leaves both out.
        reviewer: The model that reviews.
        mode: `full` returns a Review, `user` a UserOnlyReview.
        policy: The agent's policy; default: the one that the simulation has recorded.
        redactor: Keeps secrets out of the prompt and the review; default: one that knows the
            secrets in environment variables and in the reviewer's arguments.

    Raises:
        ModelError: the reviewer cannot be reached, or two responses were not readable.
    """
    from tau2.llm import complete  # noqa: PLC0415  -- looked up at call time: clients replace it

    flow = _review_flow(run, task, reviewer, mode, policy, redactor)
    try:
        prompt = next(flow)
        while True:
            response = complete(reviewer.model, prompt, **_options(reviewer))
            prompt = flow.send(response)
    except StopIteration as end:
        review: AnyReview = end.value
        return review


async def areview_simulation(
    run: SimulationRun,
    task: Task | None,
    reviewer: Judge,
    mode: ReviewMode = "full",
    *,
    policy: str | None = None,
    redactor: Redactor | None = None,
) -> AnyReview:
    """Do what `review_simulation` does without blocking the event loop."""
    from tau2.llm import acomplete  # noqa: PLC0415  -- see review_simulation

    flow = _review_flow(run, task, reviewer, mode, policy, redactor)
    try:
        prompt = next(flow)
        while True:
            response = await acomplete(reviewer.model, prompt, **_options(reviewer))
            prompt = flow.send(response)
    except StopIteration as end:
        review: AnyReview = end.value
        return review


def _options(reviewer: Judge) -> JsonObject:
    return {"call_name": _CALL_NAME, "completion_fn": reviewer.completion_fn, **reviewer.args}


def _review_flow(
    run: SimulationRun,
    task: Task | None,
    reviewer: Judge,
    mode: ReviewMode,
    policy: str | None,
    redactor: Redactor | None,
) -> Generator[list[Message], AssistantMessage, AnyReview]:
    """Yield requests and receive responses until one can be read; return the review."""
    redactor = redactor or default_redactor(reviewer)
    messages = run.get_messages()
    prompt = review_messages(ReviewRequest(messages, mode, task, policy or run.policy, redactor))
    costs: list[float | None] = []
    text = ""
    for _ in range(_ATTEMPTS):
        response = yield prompt
        costs.append(response.cost)
        text = redactor.text(response.content or "")
        review = parse_review(text, messages, mode)
        if review is not None:
            review.cost = sum_known(costs)
            review.model = reviewer.model
            return review
    shown = text[:_LONGEST_EXCERPT]
    raise ModelError(f"the reviewer {reviewer.model} returned no readable review twice: {shown!r}")


def default_redactor(*models: Judge) -> Redactor:
    """Return a redactor of the secrets in environment variables and in these models' arguments."""
    known = set(secrets_in_environment())
    for model in models:
        known |= secrets_in_args(model.args)
    return Redactor(known)


def parse_review(text: str, messages: Sequence[Message], mode: ReviewMode) -> AnyReview | None:
    """Return the review in a response, of bounded size; None when it cannot be read completely.

    Never raises.
    """
    found = list_under("errors", text)
    if found is None or not all(isinstance(entry, dict) for entry in found[1]):
        return None
    summary = _text(found[0].get("summary"))
    entries = found[1][:_MOST_ERRORS]
    if mode == "user":
        return UserOnlyReview(
            summary=summary, errors=[UserOnlyReviewError(**_fields(e, messages)) for e in entries]
        )
    errors = []
    for entry in entries:
        fields = _fields(entry, messages)
        named = _SOURCES.get(_word(entry.get("source")))
        source = named or _author_of(fields["turn_idx"], messages)
        if source is None:
            return None
        errors.append(ReviewError(source=source, **fields))
    return Review(summary=summary, errors=errors)


def _fields(entry: JsonObject, messages: Sequence[Message]) -> JsonObject:
    severity = _word(entry.get("severity") or entry.get("error_type"))
    weight = ErrorType.CRITICAL if severity.startswith("critical") else ErrorType.MINOR
    return {
        "turn_idx": _turn(entry.get("turn", entry.get("turn_idx")), len(messages)),
        "error_type": weight,
        "severity": weight.value,
        "reasoning": _text(entry.get("reasoning")),
        "correct_behavior": _text(entry.get("correct_behavior")) or None,
    }


def _turn(value: object, count: int) -> int | None:
    """Return the number of a turn of the conversation, else None."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= len(str(count)) + 1:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < count else None


def _author_of(turn: int | None, messages: Sequence[Message]) -> ErrorSource | None:
    message = messages[turn] if turn is not None else None
    if isinstance(message, ToolMessage):
        return ErrorSource.USER if message.requestor == "user" else ErrorSource.AGENT
    if isinstance(message, UserMessage):
        return ErrorSource.USER
    return ErrorSource.AGENT if isinstance(message, AssistantMessage) else None


def _word(value: object) -> str:
    return value[:_LONGEST_EXCERPT].strip().lower() if isinstance(value, str) else ""


def _text(value: object) -> str:
    return value[:_LONGEST_TEXT].strip() if isinstance(value, str) else ""


def with_review(run: SimulationRun, review: AnyReview) -> SimulationRun:
    """Return a simulation with a review."""
    name = "review" if isinstance(review, Review) else "user_only_review"
    return run.model_copy(update={name: review})


def review_of(run: SimulationRun, mode: ReviewMode) -> AnyReview | None:
    """Return a simulation's review of a kind."""
    return run.review if mode == "full" else run.user_only_review
