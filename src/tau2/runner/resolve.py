"""Every name of a run configuration, resolved once.

Checks, records, estimates and episodes are made from the result, and look up no name themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tau2 import config as defaults
from tau2.data_model.simulation import RunConfig, TextRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import Rule
from tau2.errors import ConfigError, UnknownName
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.participant.protocols import AgentProtocol, UserProtocol
from tau2.participant.spec import AgentSpec, UserSpec
from tau2.registry import registry
from tau2.runner.episode_resume import Participants
from tau2.runner.events import Sink

ABSENT_USER = "dummy_user"
"""The user of an agent that works without one."""

NO_VOICE = (
    "this version plays text; voice runs need the voice engine, which it does not contain yet"
)

EnvironmentFactory = Callable[..., Environment]
AgentFactory = Callable[..., AgentProtocol]
UserFactory = Callable[..., UserProtocol]


class RoleModel(NamedTuple):
    """The model that one role of a run calls."""

    model: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResolvedRun:
    """A run configuration, and what its names stand for."""

    config: TextRunConfig
    make_environment: EnvironmentFactory
    make_agent: AgentFactory
    make_user: UserFactory
    accepts: Callable[[Task], bool] | None
    """Whether the agent can play a task; None accepts all."""
    is_solo: bool
    """Whether the agent works without a user."""
    participants: Participants | None
    """How an interrupted episode continues; None: it starts over."""
    agent_model: RoleModel | None
    """None: the agent needs no model."""
    user_model: RoleModel | None
    judge: Judge
    reviewer: Judge

    def environment(self) -> Environment:
        """Return a fresh environment as the agent needs it."""
        return self.make_environment(solo_mode=self.is_solo)

    def models(
        self, tasks: Sequence[Task], evaluation_type: EvaluationType = EvaluationType.ALL
    ) -> dict[str, RoleModel]:
        """Return the models that a run of these tasks calls.

        The keys are roles: agent, user, judge, reviewer.
        """
        used = {"agent": self.agent_model, "user": self.user_model}
        if any(needs_judge(task, evaluation_type) for task in tasks):
            used["judge"] = RoleModel(self.judge.model, self.judge.args)
        if self.config.auto_review:
            used["reviewer"] = RoleModel(self.reviewer.model, self.reviewer.args)
        return {role: model for role, model in used.items() if model is not None}


def resolve(config: RunConfig) -> ResolvedRun:
    """Resolve the names of a configuration.

    Raises:
        ConfigError: it is of a voice run.
        UnknownName: its domain or agent is not registered, or a user that the agent needs.
    """
    if not isinstance(config, TextRunConfig):
        raise ConfigError(NO_VOICE)
    make_environment = environment_factory(config.domain)
    make_agent = agent_factory(config.agent)
    solo = is_solo_agent(config.agent)
    user = ABSENT_USER if solo else config.user
    # Factories that were registered without a spec say neither whether they need a model nor how
    # they continue.
    agent_spec: AgentSpec | None = (
        registry.agents.get(config.agent) if config.agent in registry.agents else None
    )
    user_spec: UserSpec | None = registry.users.get(user) if user in registry.users else None
    return ResolvedRun(
        config=config,
        make_environment=make_environment,
        make_agent=make_agent,
        make_user=user_factory(user),
        accepts=registry.get_agent_task_filter(config.agent),
        is_solo=solo,
        participants=_participants(agent_spec, user_spec),
        agent_model=RoleModel(config.llm_agent, config.llm_args_agent)
        if agent_spec is not None and agent_spec.needs_model
        else None,
        user_model=RoleModel(config.llm_user, config.llm_args_user)
        if user_spec is not None and user_spec.needs_model
        else None,
        judge=judge_of(config),
        reviewer=reviewer_of(config),
    )


def _participants(agent: AgentSpec | None, user: UserSpec | None) -> Participants | None:
    if agent is None or user is None or agent.continues is None or user.continues is None:
        return None
    return Participants(agent.continues, user.continues)


def policy_rules(domain: str) -> list[Rule]:
    """Return the policy rules of a domain; none for one that has none or is not registered."""
    try:
        spec = registry.domains.get(domain)
    except UnknownName:
        return []
    return [rule for rule in spec.rules() if isinstance(rule, Rule)] if spec.rules else []


def environment_factory(domain: str) -> EnvironmentFactory:
    """Return a domain's constructor of environments. Raise UnknownName."""
    factory: EnvironmentFactory = registry.get_env_constructor(domain)
    return factory


def agent_factory(name: str) -> AgentFactory:
    """Return what makes agents of that name. Raise UnknownName."""
    factory: AgentFactory | None = registry.get_agent_factory(name)
    if factory is None:
        raise UnknownName("agent", name, registry.get_agents())
    return factory


def user_factory(name: str) -> UserFactory:
    """Return what makes users of that name. Raise UnknownName."""
    factory: UserFactory = registry.get_user_constructor(name)
    return factory


def is_solo_agent(name: str) -> bool:
    """Return whether an agent works without a user; False for an unknown name."""
    return bool(registry.get_agent_metadata(name, "solo_mode", default=False))


def judge_of(config: RunConfig) -> Judge:
    """Return the configured judge."""
    args = config.llm_args_judge or dict(defaults.DEFAULT_LLM_NL_ASSERTIONS_ARGS)
    return Judge(config.llm_judge or defaults.judge_model(), args)


def reviewer_of(config: RunConfig) -> Judge:
    """Return the configured reviewer."""
    args = config.review_args or dict(defaults.DEFAULT_LLM_NL_ASSERTIONS_ARGS)
    return Judge(config.review_model, args)


def console_sink() -> Sink:
    """Return what shows a run on the terminal; the runner knows it by name only."""
    sink: Sink = registry.displays.get("console").make()
    return sink
