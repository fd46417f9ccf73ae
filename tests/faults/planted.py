"""Clean conversations of shipped tasks, and failures planted in them, each with its true side.

A plant changes a clean conversation as a participant, a task or a machine would have; its tool
calls are executed again and the result is graded. What still passes is no failure and is left out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tau2.blame import Kind, Side
from tau2.blame.conversation import mutates
from tau2.blame.values import leaves, names, scenario_text
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import Action, EnvAssertion, Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup, set_initial_state
from tau2.evaluator.evaluator import grade
from tau2.registry import registry
from tau2.runner.build import build_orchestrator
from tau2.seeds import derive_seed

STOP = "###STOP###"


@dataclass
class Clean:
    """A conversation that earns full credit, with what plants need to know of it."""

    domain: str
    setup: TaskSetup
    messages: list[Message]
    calls_of_domain: list[ToolCall] = field(default_factory=list)
    """Changes that references of the domain make."""

    @property
    def task(self) -> Task:
        """The task that was played."""
        return self.setup.task

    @property
    def start(self) -> Environment:
        """A fresh environment in the task's initial state."""
        environment = self.setup.fresh()
        set_initial_state(environment, self.task, [])
        return environment

    @cached_property
    def tools(self) -> Environment:
        """An environment for facts about tools; nothing is executed on it."""
        return self.start

    def is_write(self, call: ToolCall | Action) -> bool:
        """Return whether a call changes something."""
        return mutates(self.tools, call)

    def writes_at(self, requestor: str = "assistant") -> list[int]:
        """Return where a participant changes something."""
        kind = AssistantMessage if requestor == "assistant" else UserMessage
        return [
            place
            for place, message in enumerate(self.messages)
            if isinstance(message, kind)
            and any(
                self.is_write(call.model_copy(update={"requestor": requestor}))
                and not self._failed(place, call)
                for call in message.calls
            )
        ]

    def _failed(self, place: int, call: ToolCall) -> bool:
        results = results_after(self.messages, place)
        return any(result.error for result in results if result.id == call.id)

    def proposals_at(self) -> list[int]:
        """Return the agent's messages that end in a question for consent, before a change."""
        writes = self.writes_at()
        return [
            place
            for place in range(len(self.messages) - 2)
            if is_said(self.messages[place], AssistantMessage)
            and place + 2 in writes
            and isinstance(self.messages[place + 1], UserMessage)
        ]


def is_said(message: Message, kind: type) -> bool:
    """Return whether a message is text of a participant."""
    return isinstance(message, kind) and bool(getattr(message, "content", None))


def results_after(messages: Sequence[Message], place: int) -> list[ToolMessage]:
    """Return the results that follow a message with calls."""
    found: list[ToolMessage] = []
    for message in messages[place + 1 :]:
        if isinstance(message, MultiToolMessage):
            found += message.tool_messages
        elif isinstance(message, ToolMessage):
            found.append(message)
        else:
            break
    return found


def says(text: str) -> AssistantMessage:
    """Return a message of the agent."""
    return AssistantMessage(content=text, cost=0.0)


def hears(text: str) -> UserMessage:
    """Return a message of the user."""
    return UserMessage(content=text, cost=0.0)


def does(name: str, requestor: str = "assistant", **arguments: Any) -> Message:
    """Return a message that makes one call."""
    call = ToolCall(id=f"planted_{name}", name=name, arguments=arguments, requestor=requestor)  # type: ignore[arg-type]
    kind = AssistantMessage if requestor == "assistant" else UserMessage
    return kind(tool_calls=[call], cost=0.0)


def without_results(messages: Sequence[Message]) -> list[Message]:
    """Return messages without tool results; they are made again."""
    return [m for m in messages if not isinstance(m, ToolMessage | MultiToolMessage)]


def executed(setup: TaskSetup, messages: Sequence[Message]) -> tuple[list[Message], Environment]:
    """Execute every call again and return the conversation with its results."""
    environment = setup.fresh()
    set_initial_state(environment, setup.task, [])
    whole: list[Message] = []
    for message in without_results(messages):
        whole.append(message)
        calls = getattr(message, "tool_calls", None) or ()
        whole.extend(environment.get_response(call) for call in calls)
    return whole, environment


def record(
    setup: TaskSetup,
    messages: Sequence[Message],
    reason: TerminationReason = TerminationReason.USER_STOP,
    *,
    graded: bool = True,
    info: dict[str, Any] | None = None,
    keep_results: bool = False,
) -> SimulationRun:
    """Return the record of a conversation, graded."""
    live: Environment | None = None
    whole = list(messages)
    if not keep_results:
        whole, live = executed(setup, messages)
    now = "2000-01-01T00:00:00"
    run = SimulationRun(
        id=f"planted-{setup.task.id}",
        task_id=setup.task.id,
        start_time=now,
        end_time=now,
        duration=0.0,
        termination_reason=reason,
        messages=whole,
        info=info,
        trial=0,
    )
    if graded:
        run.reward_info = grade(run, setup, live=live)
    return run


@dataclass(frozen=True)
class Planted:
    """A failure whose side is known."""

    side: Side
    name: str
    run: SimulationRun
    setup: TaskSetup
    kinds: frozenset[Kind] = frozenset()


Plant = Callable[[Clean, random.Random], "SimulationRun | tuple[SimulationRun, TaskSetup] | None"]


def clean_conversations(domain: str, limit: int | None = None) -> Iterator[Clean]:
    """Yield the conversations of oracle and scripted user that earn full credit."""
    spec = registry.domains.get(domain)
    tasks = spec.tasks(None)
    pool = [
        ToolCall(id="pool", name=a.name, arguments=a.arguments)
        for task in tasks
        for a in task.reference_actions
        if a.requestor == "assistant"
    ]
    config = TextRunConfig(domain=domain, agent="oracle_agent", user="scripted_user")
    for task in tasks[:limit]:
        orchestrator = build_orchestrator(config, task, seed=1)
        run = orchestrator.run()
        setup = TaskSetup(task, spec.environment)
        messages = run.get_messages()
        if record(setup, messages).reward_info.reward == 1.0:  # type: ignore[union-attr]
            yield Clean(domain, setup, messages, pool)


# --- the agent's failures


def claims_without_doing(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The agent says that it is done and has not done it."""
    places = clean.writes_at()
    if not places:
        return None
    place = rng.choice(places)
    claim = rng.choice(
        [
            "I have updated that for you. Is there anything else I can help you with?",
            "All set! The change has been made successfully. Anything else?",
            "That has been taken care of.\n\n- Status: **completed**\n\nAnything else today?",
            "Your request has been processed. Is there anything else I can do for you?",
        ]
    )
    head = without_results(clean.messages[:place])
    return record(clean.setup, [*head, says(claim), hears(f"No, that is all. Thank you! {STOP}")])


def writes_unasked(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The agent makes a change that nobody agreed to."""
    call = _other_write(clean, rng)
    if call is None or not clean.writes_at():
        return None
    place = clean.writes_at()[0] - 2
    if place < 2 or not is_said(clean.messages[place], AssistantMessage):
        return None
    messages = list(clean.messages)
    messages[place:place] = [AssistantMessage(tool_calls=[call], cost=0.0)]
    return record(clean.setup, messages)


def _other_write(clean: Clean, rng: random.Random) -> ToolCall | None:
    """Return a change that succeeds on the task's environment and is not the reference's."""
    reference = clean.task.reference_actions
    candidates = [
        call
        for call in clean.calls_of_domain
        if clean.is_write(call) and not any(a.compare_with_tool_call(call) for a in reference)
    ]
    rng.shuffle(candidates)
    for call in candidates[:12]:
        environment = clean.start
        result = environment.get_response(call.model_copy(update={"id": "planted"}))
        if not result.error:
            return call.model_copy(update={"id": "planted"})
    return None


def _shown(clean: Clean) -> list[str]:
    return [m.content or "" for m in clean.messages if isinstance(m, ToolMessage)]


def takes_a_wrong_value(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The agent proposes the right thing and executes another."""
    places = clean.writes_at()
    rng.shuffle(places)
    for place in places:
        message = clean.messages[place]
        call = message.tool_calls[0]  # type: ignore[union-attr]
        for changed in _mutations(clean, call, rng):
            messages = list(clean.messages)
            messages[place] = AssistantMessage(tool_calls=[changed], cost=0.0)
            whole, _ = executed(clean.setup, messages)
            results = results_after(whole, _index_of(whole, messages[place]))
            if results and not results[0].error:
                return record(clean.setup, messages)
    return None


def _index_of(messages: Sequence[Message], one: Message) -> int:
    return next(place for place, message in enumerate(messages) if message is one)


def _mutations(clean: Clean, call: ToolCall, rng: random.Random) -> Iterator[ToolCall]:
    """Yield the call with one argument of another reference."""
    names_ = list(call.arguments)
    rng.shuffle(names_)
    for name in names_:
        others = [
            other.arguments[name]
            for other in clean.calls_of_domain
            if other.name == call.name and name in other.arguments
        ]
        others += _siblings(clean, str(call.arguments[name]))
        rng.shuffle(others)
        for value in others[:6]:
            if value != call.arguments[name]:
                arguments = {**call.arguments, name: value}
                yield call.model_copy(update={"arguments": arguments})


_ID = re.compile(r"#W\d{7}|[a-z]+_[a-z_]*\d{3,}|\b\d{10}\b|\b[A-Z0-9]{6}\b")


def _siblings(clean: Clean, value: str) -> list[str]:
    """Return values of the same shape in tool results."""
    shape = re.sub(r"\d+", "0", value)
    found = {one for text in _shown(clean) for one in _ID.findall(text)}
    return sorted(one for one in found if one != value and re.sub(r"\d+", "0", one) == shape)


def does_not_tell(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The agent does everything and keeps a figure to itself."""
    criteria = clean.task.evaluation_criteria
    infos = list((criteria.communicate_info if criteria else None) or ())
    if not infos:
        return None
    info = rng.choice(infos)
    vague = rng.choice(
        [
            "I have looked that up for you. Is there anything else I can help you with?",
            "You will find the figure in your account. Is there anything else?",
        ]
    )
    messages = [
        says(vague) if is_said(m, AssistantMessage) and names(m.content or "", info) else m  # type: ignore[union-attr]
        for m in clean.messages
    ]
    return record(clean.setup, messages)


def refuses(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The agent refuses what the policy allows."""
    places = clean.proposals_at() or [p for p in clean.writes_at() if p > 2]
    if not places:
        return None
    place = rng.choice(places)
    refusal = rng.choice(
        [
            "I am sorry, but our policy does not allow me to do that.",
            "Unfortunately I'm unable to make this change. It is not permitted.",
            "I apologize, but that isn't possible for this booking.",
            "I can't help with that request, as it is against our policy.",
        ]
    )
    head = without_results(clean.messages[:place])
    answer = rng.choice(["That is a pity. Goodbye.", "Okay, then I leave it.", "I see. Bye."])
    return record(clean.setup, [*head, says(refusal), hears(f"{answer} {STOP}")])


def obeys_against_the_policy(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The customer insists, and the agent does what the reference refuses."""
    if clean.writes_at() or len(clean.messages) < 4:
        return None
    call = _forbidden(clean, rng)
    if call is None:
        return None
    tail = [
        says("I can make an exception and do this for you now. Shall I go ahead?"),
        hears(rng.choice(["Yes, please.", "Yes, go ahead.", "Sure, please do."])),
        AssistantMessage(tool_calls=[call], cost=0.0),
        says("That is done. Is there anything else I can help you with?"),
        hears(f"No, thanks! {STOP}"),
    ]
    return record(clean.setup, [*without_results(clean.messages[:-1]), *tail])


def _forbidden(clean: Clean, rng: random.Random) -> ToolCall | None:
    ids = sorted({one for text in _shown(clean) for one in _ID.findall(text)})
    users = [one for one in ids if "_" in one and not one.startswith(("credit", "gift", "paypal"))]
    attempts: list[tuple[str, dict[str, Any]]] = []
    for one in ids:
        attempts.append(("cancel_reservation", {"reservation_id": one}))
        attempts.append(("cancel_pending_order", {"order_id": one, "reason": "no longer needed"}))
    attempts += [("send_certificate", {"user_id": user, "amount": 100}) for user in users]
    rng.shuffle(attempts)
    for name, arguments in attempts:
        call = ToolCall(id="planted", name=name, arguments=arguments)
        environment = clean.start
        if environment.tools is None or not environment.tools.has_tool(name):
            continue
        if not environment.get_response(call).error:
            return call
    return None


def asks_forever(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The agent asks for the same thing again and again."""
    places = [p for p, m in enumerate(clean.messages) if is_said(m, UserMessage)]
    if len(places) < 2:
        return None
    place = places[min(1, len(places) - 1)]
    head = without_results(clean.messages[: place + 1])
    question = rng.choice(
        ["Could you please confirm your details once more?", "Can you tell me your details again?"]
    )
    answer = hears("I have told you that already. Please go on.")
    again = [message for _ in range(8) for message in (says(question), answer)]
    return record(clean.setup, [*head, *again], TerminationReason.MAX_STEPS)


def hands_over_early(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The agent hands over what it could have done."""
    places = clean.proposals_at() or [p for p in clean.writes_at() if p > 2]
    reference = {action.name for action in clean.task.reference_actions}
    if not places or "transfer_to_human_agents" in reference:
        return None
    head = without_results(clean.messages[: places[0]])
    text = rng.choice(
        [
            "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON.",
            "I am transferring you to a colleague who can help.",
        ]
    )
    tail = [
        does("transfer_to_human_agents", summary="The customer needs help."),
        says(text),
        hears("###TRANSFER###"),
    ]
    return record(clean.setup, [*head, *tail])


def never_instructs(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The agent gives up before it has asked for the steps on the phone."""
    if not clean.writes_at("user"):
        return None
    place = clean.writes_at("user")[0] - 1
    head = without_results(clean.messages[:place])
    text = rng.choice(
        [
            "I am sorry, there is nothing more that I can do from here.",
            "Unfortunately I am unable to solve this problem.",
        ]
    )
    return record(clean.setup, [*head, says(text), hears(f"That is a pity. {STOP}")])


# --- the user's failures


def stops_at_the_proposal(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The customer ends where the agent waits for consent."""
    places = clean.proposals_at()
    if not places:
        return None
    place = rng.choice(places)
    bye = rng.choice(["Thank you, that is all.", "Great, thanks for your help!", ""])
    head = without_results(clean.messages[: place + 1])
    return record(clean.setup, [*head, hears(f"{bye} {STOP}".strip())])


def stops_at_a_promise(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The customer ends when the agent says what it is going to do."""
    places = clean.proposals_at()
    if not places:
        return None
    place = rng.choice(places)
    promise = rng.choice(
        [
            "Thank you for confirming. I will process this right now, one moment please.",
            "Perfect. I'll make that change for you now.",
            "Great, let me take care of that.",
        ]
    )
    head = without_results(clean.messages[: place + 2])
    return record(clean.setup, [*head, says(promise), hears(f"Thanks, bye. {STOP}")])


def declines_the_own_wish(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The customer declines what the scenario wants."""
    places = clean.proposals_at()
    if not places:
        return None
    place = rng.choice(places)
    no = rng.choice(
        ["No, leave it as it is, please.", "No, I do not want that.", "No thanks, forget it."]
    )
    head = without_results(clean.messages[: place + 1])
    return record(clean.setup, [*head, hears(f"{no} {STOP}")])


def never_states_the_wish(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The customer says hello and goodbye."""
    if not clean.writes_at() and not (
        clean.task.evaluation_criteria and clean.task.evaluation_criteria.communicate_info
    ):
        return None
    small_talk = rng.choice(
        ["Hello there! Nice weather.", "Hi! How are you doing?", "Good morning."]
    )
    bye = rng.choice(["Nothing really. Goodbye!", "Oh, never mind then. Bye!"])
    return record(
        clean.setup,
        [
            clean.messages[0],
            hears(small_talk),
            says("Hello! What can I do for you today?"),
            hears(f"{bye} {STOP}"),
        ],
    )


def names_another_value(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The customer names a value that is not the scenario's, and the agent takes it."""
    scenario = scenario_text(clean.task)
    spoken = [
        str(leaf)
        for action in clean.task.reference_actions
        if clean.is_write(action)
        for leaf in leaves(action.arguments)
        if isinstance(leaf, str) and any(c.isdigit() for c in leaf) and names(scenario, leaf)
    ]
    rng.shuffle(spoken)
    for value in spoken:
        for other in _siblings(clean, value)[:6] or _next_days(value):
            if names(scenario, other):
                continue
            messages = [_replaced(m, value, other) for m in without_results(clean.messages)]
            whole, _ = executed(clean.setup, messages)
            if any(m.error for m in whole if isinstance(m, ToolMessage)):
                continue
            if any(value in (m.content or "") for m in messages if isinstance(m, UserMessage)):
                continue
            if not any(other in (m.content or "") for m in messages if isinstance(m, UserMessage)):
                continue
            return record(clean.setup, messages)
    return None


def _next_days(value: str) -> list[str]:
    match = re.fullmatch(r"(\d{4}-\d{2}-)(\d{2})", value)
    return [f"{match[1]}{int(match[2]) % 28 + 1:02d}"] if match else []


def _replaced(message: Message, old: str, new: str) -> Message:
    text = message.model_dump_json().replace(old, new)
    return type(message).model_validate_json(text)


def does_not_act(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The customer says that a step is done and has not done it."""
    places = clean.writes_at("user")
    if not places:
        return None
    place = rng.choice(places)
    head = without_results(clean.messages[:place])
    text = rng.choice(["Okay, I did that.", "Done.", "I have done that now."])
    tail = [
        hears(text),
        says("Thank you. Is there anything else I can help you with?"),
        hears(f"No, that is all. {STOP}"),
    ]
    return record(clean.setup, [*head, *tail])


def acts_unasked(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The customer changes a setting at the end that nobody mentioned."""
    if clean.domain != "telecom":
        return None
    tool = rng.choice(["toggle_airplane_mode", "toggle_data", "unseat_sim_card", "reseat_sim_card"])
    environment = clean.start
    if environment.user_tools is None or not environment.user_tools.has_tool(tool):
        return None
    messages = [*clean.messages[:1], does(tool, "user"), *clean.messages[1:]]
    messages = [*clean.messages[:-1], does(tool, "user"), clean.messages[-1]]
    return record(clean.setup, messages)


def user_simulator_fails(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The user simulator raises an error, or is stopped by the monitor."""
    place = rng.randrange(1, max(2, len(clean.messages) - 1))
    info = {"error": "the user model returned no message", "error_type": "UserError"}
    head = clean.messages[:place]
    return record(clean.setup, head, TerminationReason.USER_ERROR, info=info)


# --- faults of tasks


def reference_fails(clean: Clean, rng: random.Random) -> tuple[SimulationRun, TaskSetup] | None:
    """A reference action names something that does not exist."""
    actions = [a.model_copy(deep=True) for a in clean.task.reference_actions]
    writes = [a for a in actions if clean.is_write(a) and a.arguments]
    if not writes:
        return None
    action = rng.choice(writes)
    name = next((n for n in action.arguments if n.endswith("id")), None)
    if name is None:
        return None
    action.arguments = {**action.arguments, name: "#W0000000"}
    return _with_reference(clean, actions)


def reference_contradicts(
    clean: Clean, rng: random.Random
) -> tuple[SimulationRun, TaskSetup] | None:
    """The reference has another value than the scenario."""
    scenario = scenario_text(clean.task)
    actions = [a.model_copy(deep=True) for a in clean.task.reference_actions]
    writes = [a for a in actions if clean.is_write(a)]
    rng.shuffle(writes)
    for action in writes:
        for name, value in action.arguments.items():
            if not isinstance(value, str) or not names(scenario, value):
                continue
            others = _siblings(clean, value) or _next_days(value)
            others += [
                str(c.arguments[name])
                for c in clean.calls_of_domain
                if c.name == action.name and isinstance(c.arguments.get(name), str)
            ]
            for other in others[:8]:
                if other == value or names(scenario, other):
                    continue
                changed = [
                    a.model_copy(update={"arguments": {**a.arguments, name: other}})
                    if a is action
                    else a
                    for a in actions
                ]
                run, setup = _with_reference(clean, changed)
                info = run.reward_info
                if info is not None and info.reward < 1 and not info.info:
                    return run, setup
    return None


def _with_reference(clean: Clean, actions: list[Action]) -> tuple[SimulationRun, TaskSetup]:
    task = clean.task.model_copy(deep=True)
    assert task.evaluation_criteria is not None
    task.evaluation_criteria.actions = actions
    setup = TaskSetup(task, clean.setup.fresh)
    return record(setup, clean.messages), setup


def wants_the_unknowable(
    clean: Clean, rng: random.Random
) -> tuple[SimulationRun, TaskSetup] | None:
    """A piece of information is wanted that nothing holds."""
    task = clean.task.model_copy(deep=True)
    criteria = task.evaluation_criteria
    if criteria is None:
        return None
    wanted = rng.choice(["QX-48213", "7,431,902.17", "Mr. Aurelio Vantongeren"])
    criteria.communicate_info = [*(criteria.communicate_info or ()), wanted]
    if "COMMUNICATE" not in {basis.value for basis in criteria.reward_basis}:
        return None
    setup = TaskSetup(task, clean.setup.fresh)
    return record(setup, clean.messages), setup


def asserts_the_impossible(
    clean: Clean, rng: random.Random
) -> tuple[SimulationRun, TaskSetup] | None:
    """An assertion fails after the reference's own actions."""
    task = clean.task.model_copy(deep=True)
    criteria = task.evaluation_criteria
    if criteria is None or not criteria.env_assertions:
        return None
    one = rng.choice(criteria.env_assertions)
    turned = EnvAssertion.model_validate({**one.model_dump(), "assert_value": not one.assert_value})
    criteria.env_assertions = [turned if a is one else a for a in criteria.env_assertions]
    setup = TaskSetup(task, clean.setup.fresh)
    return record(setup, clean.messages), setup


# --- failures of the machine


def endpoint_fails(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The model's endpoint does not answer any more."""
    place = rng.randrange(1, len(clean.messages))
    reason = rng.choice(
        [TerminationReason.INFRASTRUCTURE_ERROR, TerminationReason.UNEXPECTED_ERROR]
    )
    info = {"error": "503 Service Unavailable", "error_type": "ModelError"}
    return record(clean.setup, clean.messages[:place], reason, graded=rng.random() < 0.5, info=info)


def judge_fails(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """The conversation is whole, but was never graded."""
    del rng
    return record(clean.setup, clean.messages, graded=False)


def tool_breaks(clean: Clean, rng: random.Random) -> SimulationRun | None:
    """A tool fails once although the call is right, and the agent gives up."""
    places = clean.writes_at()
    if not places:
        return None
    place = rng.choice(places)
    head = list(clean.messages[: place + 1])
    call = clean.messages[place].tool_calls[0]  # type: ignore[union-attr]
    broken = ToolMessage(
        id=call.id,
        content=rng.choice(["Error: connection reset by peer", "Error: database is locked"]),
        requestor=call.requestor,
        error=True,
        role="tool",
    )
    tail = [
        broken,
        says("I am sorry, our system has a technical problem. Please call again later."),
        hears(f"All right. {STOP}"),
    ]
    run = record(clean.setup, [*head, *tail], keep_results=True, graded=False)
    graded = record(clean.setup, [*head[:-1], *tail[1:]])
    run.reward_info = graded.reward_info
    return run


PLANTS: dict[Side, Sequence[tuple[Plant, frozenset[Kind]]]] = {
    Side.AGENT: (
        (claims_without_doing, frozenset({Kind.CLAIMED_NOT_DONE})),
        (writes_unasked, frozenset({Kind.NOT_AGREED})),
        (takes_a_wrong_value, frozenset({Kind.WRONG_VALUE})),
        (does_not_tell, frozenset({Kind.NOT_TOLD})),
        (refuses, frozenset({Kind.REFUSED})),
        (obeys_against_the_policy, frozenset({Kind.FORBIDDEN})),
        (asks_forever, frozenset({Kind.ASKED_FOREVER})),
        (hands_over_early, frozenset({Kind.HANDED_OVER})),
        (never_instructs, frozenset({Kind.NOT_INSTRUCTED})),
    ),
    Side.USER: (
        (stops_at_the_proposal, frozenset({Kind.ENDED_EARLY})),
        (stops_at_a_promise, frozenset({Kind.ENDED_EARLY})),
        (declines_the_own_wish, frozenset({Kind.REFUSED_OWN_WISH})),
        (never_states_the_wish, frozenset({Kind.WISH_NOT_STATED})),
        (names_another_value, frozenset({Kind.INVENTED})),
        (does_not_act, frozenset({Kind.NOT_ACTED})),
        (acts_unasked, frozenset({Kind.ACTED_UNASKED})),
        (user_simulator_fails, frozenset({Kind.USER_FAILED})),
    ),
    Side.TASK: (
        (reference_fails, frozenset({Kind.REFERENCE_FAILS})),
        (reference_contradicts, frozenset({Kind.REFERENCE_CONTRADICTS})),
        (wants_the_unknowable, frozenset({Kind.NOT_KNOWABLE})),
        (asserts_the_impossible, frozenset({Kind.REFERENCE_FAILS})),
    ),
    Side.INFRASTRUCTURE: (
        (endpoint_fails, frozenset({Kind.NO_SCORE})),
        (judge_fails, frozenset({Kind.NO_SCORE})),
        (tool_breaks, frozenset({Kind.TOOL_FAILED})),
    ),
}


def planted(clean: Clean, seed: int = 1) -> Iterator[Planted]:
    """Yield every failure that can be planted in a conversation and costs it its reward."""
    for side, plants in PLANTS.items():
        for plant, kinds in plants:
            derived = derive_seed(seed, plant.__name__, clean.domain, clean.task.id)
            found = plant(clean, random.Random(derived))
            if found is None:
                continue
            run, setup = found if isinstance(found, tuple) else (found, clean.setup)
            if run.reward_info is not None and run.is_scored and run.reward_info.reward == 1.0:
                continue
            yield Planted(side, plant.__name__, run, setup, kinds)
