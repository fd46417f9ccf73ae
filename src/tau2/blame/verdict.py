"""Whose failure a simulation is, found by rules from the record, the task and a replay.

No model is asked. The order of the sides is fixed: infrastructure, then a user simulator that
failed, then faults of the task. Between agent and user, the earliest finding decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from tau2.blame.changes import ChangeVerdicts
from tau2.blame.conversation import Conversation, meant, mutates, tool_failures
from tau2.blame.ending import Ending, ended_early, ending_of, wish_not_stated
from tau2.blame.finding import (
    Blame,
    Finding,
    Kind,
    Side,
    agent_finding,
    finding_data,
    infrastructure_finding,
    task_finding,
    user_finding,
)
from tau2.blame.reference import task_faults
from tau2.blame.values import content_words, overlap
from tau2.blame.writes import compare_writes
from tau2.data_model.outline import BLAME
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import RewardType
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import Rule
from tau2.environment.task_setup import TaskSetup
from tau2.metrics.endings import cause_of_end, why_ended
from tau2.metrics.outcomes import Outcome, lost_on, outcome_of, run_passed, why_unscored
from tau2.storage.results import Results
from tau2.storage.stored_simulations import chosen, one_by_one
from tau2.utils.text import shortened

logger = logging.getLogger(__name__)

_LONGEST_CAUSE = 1000  # characters; a cause that is cut off is no help
_NEVER_FINISHED = {
    TerminationReason.MAX_STEPS: "The limit of steps was reached.",
    TerminationReason.TIMEOUT: "The limit of time was reached.",
    TerminationReason.TOO_MANY_ERRORS: "Too many tool calls failed.",
    TerminationReason.CONTEXT_WINDOW_EXCEEDED: "The conversation no longer fitted the model.",
}
_STATE = {RewardType.DB.value, RewardType.ENV_ASSERTION.value, RewardType.ACTION.value}


def blame_simulation(
    run: SimulationRun, setup: TaskSetup, rules: Sequence[Rule] = ()
) -> Blame | None:
    """Return whose failure a simulation is; None when it passed.

    Args:
        run: The stored simulation, graded.
        setup: Its task and a factory of fresh environments.
        rules: The domain's policy rules; they give the reason of a forbidden change.
    """
    if run_passed(run):
        return None
    unscored = _without_score(run)
    if unscored is not None:
        return _blame(run, [unscored])
    try:
        return _blame(run, _ranked(run, Conversation(setup, run.get_messages()), rules))
    except Exception as problem:  # the domain's tools or data may have changed in any way
        logger.debug("simulation %s cannot be replayed", run.id, exc_info=True)
        reason = f"The conversation cannot be replayed: {shortened(str(problem), 200)}"
        return _blame(run, [task_finding(Kind.UNGRADABLE, None, reason)])


def blame_results(
    results: Results,
    fresh: Callable[[], Environment],
    rules: Sequence[Rule] = (),
    *,
    on_simulation: Callable[[], None] = lambda: None,
) -> list[Blame]:
    """Return the verdict on every simulation of a run that did not pass, in the run's order.

    Args:
        results: The stored run. Where it does not hold a simulation's task, the verdict says so.
        fresh: Returns a fresh environment of the run's domain.
        rules: The domain's policy rules.
        on_simulation: Called after each simulation.
    """
    setups = {task.id: TaskSetup(task, fresh) for task in results.tasks}
    failed = chosen(results.simulations, lambda outline: not run_passed(outline))
    for _ in range(len(results.simulations) - len(failed)):
        on_simulation()
    found = []
    for run in one_by_one(failed):
        setup = setups.get(run.task_id)
        verdict = blame_simulation(run, setup, rules) if setup is not None else _without_task(run)
        if verdict is not None:
            found.append(verdict)
        on_simulation()
    return found


def _without_task(run: SimulationRun) -> Blame | None:
    """Return the verdict on a simulation whose task is not known."""
    if run_passed(run):
        return None
    reason = "The run does not hold the task, so there is nothing to compare with."
    return _blame(run, [_without_score(run) or task_finding(Kind.UNGRADABLE, None, reason)])


def with_blame(run: SimulationRun, setup: TaskSetup, rules: Sequence[Rule]) -> SimulationRun:
    """Return a simulation whose `info` holds the verdict on it, where it failed."""
    verdict = blame_simulation(run, setup, rules)
    kept = {key: value for key, value in (run.info or {}).items() if key != BLAME}
    if verdict is not None:
        kept[BLAME] = finding_data(verdict.finding)
    return run.model_copy(update={"info": kept or None})


def _blame(run: SimulationRun, findings: Sequence[Finding]) -> Blame:
    return Blame(run.id, *run.unit, findings[0], tuple(findings[1:]))


def _without_score(run: SimulationRun) -> Finding | None:
    """Return whose failure a simulation is that was never scored; None for one that was."""
    outcome = outcome_of(run)
    turn = len(run.get_messages()) - 1
    last = turn if turn >= 0 else None
    if outcome is Outcome.USER_FAILURE:
        return user_finding(Kind.USER_FAILED, last, _cause(run))
    if outcome is Outcome.INFRASTRUCTURE:
        why = shortened(why_unscored(run), _LONGEST_CAUSE)
        return infrastructure_finding(Kind.NO_SCORE, last, why)
    return None


def _cause(run: SimulationRun) -> str:
    """Return the error that ended an episode, as it was said."""
    return shortened(cause_of_end(run) or why_ended(run), _LONGEST_CAUSE)


def _ranked(run: SimulationRun, conversation: Conversation, rules: Sequence[Rule]) -> list[Finding]:
    """Return every finding, the deciding one first."""
    findings = list(_findings(run, conversation, rules))
    decided = [f for f in findings if f.side in (Side.INFRASTRUCTURE, Side.TASK)]
    last = len(conversation.messages)
    order = sorted(findings, key=lambda f: last if f.turn is None else f.turn)
    first = [f for f in decided if f.side is Side.INFRASTRUCTURE] or decided
    ranked = [*first, *(f for f in order if f not in first)]
    return list(dict.fromkeys(ranked)) or [_unexplained(run, conversation)]


def _findings(
    run: SimulationRun, conversation: Conversation, rules: Sequence[Rule]
) -> Iterator[Finding]:
    for done in tool_failures(conversation):
        yield infrastructure_finding(
            Kind.TOOL_FAILED,
            done.turn,
            f"{done.call.name} failed in the conversation, but the same call succeeds on replay.",
        )
    yield from task_faults(run, conversation)
    ending = ending_of(run, conversation)
    lost = set(lost_on(run))
    if run.termination_reason is TerminationReason.AGENT_ERROR:
        yield agent_finding(Kind.AGENT_FAILED, ending.turn, _cause(run))
        return
    if run.termination_reason in _NEVER_FINISHED:
        yield from _never_finished(run, conversation, ending)
        return
    if lost & _STATE:
        differences = compare_writes(conversation)
        yield from ChangeVerdicts(conversation, differences, ending, rules).findings()
        if RewardType.ACTION.value in lost:
            yield from _missing_reads(run, conversation, ending)
    if RewardType.COMMUNICATE.value in lost or RewardType.NL_ASSERTION.value in lost:
        yield from _not_told(run, conversation, ending)


def _never_finished(
    run: SimulationRun, conversation: Conversation, ending: Ending
) -> Iterator[Finding]:
    """Yield whose fault an endless conversation is: the side that repeats itself."""
    why = _NEVER_FINISHED[run.termination_reason]
    failed = [done for done in conversation.calls if done.failed]
    if run.termination_reason is TerminationReason.TOO_MANY_ERRORS and failed:
        last = failed[-1]
        side = Side.USER if last.call.requestor == "user" else Side.AGENT
        kind = Kind.USER_FAILED if side is Side.USER else Kind.ASKED_FOREVER
        yield Finding(side, kind, last.turn, f"{why} The last was {last.call.name}.")
        return
    unsaid = wish_not_stated(conversation, Ending(by_user=True, turn=ending.turn, last=ending.last))
    if unsaid is not None:
        yield unsaid
        return
    yield agent_finding(
        Kind.ASKED_FOREVER,
        _first_repetition(conversation) or ending.turn,
        f"{why} The agent brought nothing to an end.",
    )


_MOSTLY = 0.8  # share of the words of a message that an earlier one has, too


def _first_repetition(conversation: Conversation) -> int | None:
    """Return the first message in which the agent says again what it had said."""
    seen: list[str] = []
    for said in conversation.agent:
        words = content_words(said.text)
        if words and any(overlap(text, words) >= _MOSTLY for text in seen[-10:]):
            return said.turn
        seen.append(said.text)
    return None


def _missing_reads(
    run: SimulationRun, conversation: Conversation, ending: Ending
) -> Iterator[Finding]:
    checks = run.reward_info.action_checks if run.reward_info is not None else None
    for check in checks or ():
        if not check.action_match and not mutates(conversation.start, check.action):
            name = meant(conversation.start, check.action).name
            yield agent_finding(Kind.NOT_DONE, ending.turn, f"The agent never called {name}.")


def _not_told(run: SimulationRun, conversation: Conversation, ending: Ending) -> Iterator[Finding]:
    info = run.reward_info
    if info is None:
        return
    early = ended_early(conversation, ending)
    unstated = wish_not_stated(conversation, ending)
    wanted = [check.info for check in info.communicate_checks or () if not check.met]
    wanted += [check.nl_assertion for check in info.nl_assertions or () if not check.met]
    for item in wanted:
        yield (
            unstated
            or early
            or agent_finding(
                Kind.NOT_TOLD,
                ending.turn,
                f"The agent never told the customer: {shortened(item, 160)}",
            )
        )


def _unexplained(run: SimulationRun, conversation: Conversation) -> Finding:
    """Return what is said where the rules find no difference."""
    lost = ", ".join(lost_on(run))
    return agent_finding(
        Kind.OTHER_STATE,
        conversation.last_turn,
        f"The reward was lost on {lost}; the changes are those of the reference.",
    )
