"""A model reviews a finished conversation: which side made which mistake, and how bad it was.

A review never changes a reward. What the reviewing model answers is read completely or not at all:
an answer that leaves a mistake without a side is asked for again, once; the second such answer is a
failure of the reviewer.
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
from tau2.evaluator.review_prompt import Case, review_messages
from tau2.llm.cost import sum_known
from tau2.llm.secrets import Redactor, secrets_in_args, secrets_in_environment
from tau2.utils.json_types import JsonObject

AnyReview: TypeAlias = Review | UserOnlyReview

_ATTEMPTS = 2  # a reviewer that is asked twice and answers neither time is broken
_MOST_ERRORS = 100
_LONGEST_TEXT = 4000  # characters of one text of a review that are kept
_SHOWN_OF_JUNK = 200
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
    """Have a model review a simulation: both sides (`full`), or the simulated user (`user`).

    Args:
        run: The conversation.
        task: What the user was told and what the reference does; None leaves both out.
        reviewer: The model to ask.
        mode: A `full` review is a Review, one of the `user` a UserOnlyReview.
        policy: What the agent was told; default: what the simulation has recorded.
        redactor: Keeps secrets out of the question and the review; default: it knows those of the
            environment.

    Raises:
        ModelError: the reviewer cannot be reached, or twice gave no readable review.
    """
    from tau2.llm import complete  # noqa: PLC0415  -- looked up at call time: clients replace it

    asking = _asking(run, task, reviewer, mode, policy, redactor)
    try:
        question = next(asking)
        while True:
            answer = complete(reviewer.model, question, **_options(reviewer))
            question = asking.send(answer)
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

    asking = _asking(run, task, reviewer, mode, policy, redactor)
    try:
        question = next(asking)
        while True:
            answer = await acomplete(reviewer.model, question, **_options(reviewer))
            question = asking.send(answer)
    except StopIteration as end:
        review: AnyReview = end.value
        return review


def _options(reviewer: Judge) -> JsonObject:
    return {"call_name": _CALL_NAME, "completion_fn": reviewer.completion_fn, **reviewer.args}


def _asking(
    run: SimulationRun,
    task: Task | None,
    reviewer: Judge,
    mode: ReviewMode,
    policy: str | None,
    redactor: Redactor | None,
) -> Generator[list[Message], AssistantMessage, AnyReview]:
    """Ask until the answer can be read; yields questions, is sent answers, returns the review."""
    redactor = redactor or default_redactor(reviewer)
    messages = run.get_messages()
    question = review_messages(Case(messages, mode, task, policy or run.policy, redactor))
    costs: list[float | None] = []
    text = ""
    for _ in range(_ATTEMPTS):
        answer = yield question
        costs.append(answer.cost)
        text = redactor.text(answer.content or "")
        review = parse_review(text, messages, mode)
        if review is not None:
            review.cost, review.model = sum_known(costs), reviewer.model
            return review
    shown = text[:_SHOWN_OF_JUNK]
    raise ModelError(f"the reviewer {reviewer.model} twice gave no readable review: {shown!r}")


def default_redactor(*models: Judge) -> Redactor:
    """Return what hides the secrets of the environment and of these models' arguments."""
    known = set(secrets_in_environment())
    for model in models:
        known |= secrets_in_args(model.args)
    return Redactor(known)


def parse_review(text: str, messages: Sequence[Message], mode: ReviewMode) -> AnyReview | None:
    """Return the review in an answer, of bounded size; None when it cannot be read completely.

    Never raises.
    """
    found = list_under("errors", text)
    if found is None or not all(isinstance(entry, dict) for entry in found[1]):
        return None
    summary, entries = _text(found[0].get("summary")), found[1][:_MOST_ERRORS]
    if mode == "user":
        return UserOnlyReview(
            summary=summary, errors=[UserOnlyReviewError(**_fields(e, messages)) for e in entries]
        )
    errors = [_attributed(entry, messages) for entry in entries]
    if any(error is None for error in errors):
        return None
    return Review(summary=summary, errors=[error for error in errors if error is not None])


def _attributed(entry: JsonObject, messages: Sequence[Message]) -> ReviewError | None:
    """Return a mistake with its role: the named one, else whose turn it was; else None."""
    fields = _fields(entry, messages)
    source = _SOURCES.get(_word(entry.get("source"))) or _side_of(fields["turn_idx"], messages)
    return None if source is None else ReviewError(source=source, **fields)


def _fields(entry: JsonObject, messages: Sequence[Message]) -> JsonObject:
    severity = _word(entry.get("severity") or entry.get("error_type"))
    return {
        "turn_idx": _turn(entry.get("turn", entry.get("turn_idx")), len(messages)),
        "error_type": ErrorType.CRITICAL if severity.startswith("critical") else ErrorType.MINOR,
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


def _side_of(turn: int | None, messages: Sequence[Message]) -> ErrorSource | None:
    message = messages[turn] if turn is not None else None
    if isinstance(message, ToolMessage):
        return ErrorSource.USER if message.requestor == "user" else ErrorSource.AGENT
    if isinstance(message, UserMessage):
        return ErrorSource.USER
    return ErrorSource.AGENT if isinstance(message, AssistantMessage) else None


def _word(value: object) -> str:
    return value[:_SHOWN_OF_JUNK].strip().lower() if isinstance(value, str) else ""


def _text(value: object) -> str:
    return value[:_LONGEST_TEXT].strip() if isinstance(value, str) else ""


def with_review(run: SimulationRun, review: AnyReview) -> SimulationRun:
    """Return a simulation with a review."""
    name = "review" if isinstance(review, Review) else "user_only_review"
    return run.model_copy(update={name: review})


def review_of(run: SimulationRun, mode: ReviewMode) -> AnyReview | None:
    """Return a simulation's review of a kind."""
    return run.review if mode == "full" else run.user_only_review
