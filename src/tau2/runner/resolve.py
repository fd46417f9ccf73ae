"""Every name of a run configuration, resolved once.

Checks, records, estimates and episodes are made from the result, and look up no name themselves.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tau2 import config as defaults
from tau2.data_model.simulation import Info, RunConfig, TextRunConfig, VoiceRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.policy_rules import Rule
from tau2.errors import ConfigError, MissingExtra, UnknownName
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.llm.secrets import PRIVATE_ARGS
from tau2.participant.protocols import AgentProtocol, UserProtocol
from tau2.participant.spec import AgentSpec, UserSpec
from tau2.registry import call_with_known, registry
from tau2.runner.episode_resume import Participants
from tau2.runner.events import Sink
from tau2.utils.json_types import JsonMapping, JsonObject

logger = logging.getLogger(__name__)

ABSENT_USER = "dummy_user"
"""The user of an agent that works without one."""

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

    config: RunConfig
    make_environment: EnvironmentFactory
    agent: str | None
    """The text agent by name; None where a speech model is the agent."""
    user: str
    """The text user by name, also of a voice run."""
    make_agent: AgentFactory
    """Makes what plays the agent: in a voice run, one that speaks."""
    make_user: UserFactory
    """Makes what plays the user: in a voice run, one that speaks."""
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
    agent_session: Callable[..., AbstractAsyncContextManager[Any]] | None = None
    """Opens what the agent needs for one episode (`AgentSpec.session`); None: nothing."""
    agent_check: Callable[[RunConfig], None] | None = None
    """Says before a run that the agent cannot play it (`AgentSpec.check`)."""
    decision_model: RoleModel | None = None
    """Decides when the user of a voice run interrupts; None: a rule does."""

    @property
    def title(self) -> str:
        """What is played by whom, for people."""
        agent = self.agent or self.config.effective_agent_model
        spoken = ", by voice" if self.config.is_voice else ""
        return f"{self.config.domain}: {agent} x {self.user}{spoken}"

    def environment(self) -> Environment:
        """Return a fresh environment as the agent needs it."""
        return self.make_environment(solo_mode=self.is_solo)

    def models(
        self, tasks: Sequence[Task], evaluation_type: EvaluationType = EvaluationType.ALL
    ) -> dict[str, RoleModel]:
        """Return the models that a run of these tasks calls.

        The keys are roles: agent, user, decision, judge, reviewer.
        """
        used = {"agent": self.agent_model, "user": self.user_model, "decision": self.decision_model}
        if any(needs_judge(task, evaluation_type) for task in tasks):
            used["judge"] = RoleModel(self.judge.model, self.judge.args)
        if self.config.auto_review:
            used["reviewer"] = RoleModel(self.reviewer.model, self.reviewer.args)
        return {role: model for role, model in used.items() if model is not None}


def resolve(config: RunConfig) -> ResolvedRun:
    """Resolve the names of a configuration.

    Raises:
        UnknownName: its domain or agent is not registered, or a user that the agent needs; or the
            domain has no such retrieval variant.
        ConfigError: the domain has no retrieval variants and one is named; the settings of a
            program at a URL do not fit; or it is of a voice run, and the provider's key is not set.
        MissingExtra: it is of a voice run, and a speech engine is not installed.
    """
    config = with_variant(config)
    if isinstance(config, VoiceRunConfig):
        return _resolved_call(config)
    make_environment = environment_of(config)
    check_program(config)
    agent = config.effective_agent
    make_agent = agent_factory(agent)
    solo = is_solo_agent(agent)
    user = ABSENT_USER if solo else config.user
    agent_spec = _agent_spec(agent)
    user_spec = _user_spec(user)
    return ResolvedRun(
        config=config,
        make_environment=make_environment,
        agent=agent,
        user=config.user,
        make_agent=make_agent,
        make_user=user_factory(user),
        accepts=registry.get_agent_task_filter(agent),
        is_solo=solo,
        participants=_participants(agent_spec, user_spec),
        agent_model=RoleModel(config.effective_agent_model, config.effective_agent_args)
        if agent_spec is not None and agent_spec.needs_model
        else None,
        user_model=_user_model(config, user_spec),
        judge=judge_of(config),
        reviewer=reviewer_of(config),
        agent_session=agent_spec.session if agent_spec is not None else None,
        agent_check=agent_spec.check if agent_spec is not None else None,
    )


def check_program(config: TextRunConfig) -> None:
    """Raise ConfigError for settings of a program that is the agent that do not fit."""
    if config.agent_command is not None:
        _check_command(config)
        return
    if config.agent_protocol == "mcp" and config.agent_url is None:
        raise ConfigError(
            "over MCP plays a program with a loop of its own: give the command that is started for "
            "every episode, agent_command (--agent-command 'python my_agent.py'), or the address "
            "that is told of every episode, agent_url (--agent-url); programs that connect by "
            "themselves play with `tau2 serve-domain`"
        )
    if config.agent_url is None:
        if config.agent_protocol is not None:
            raise ConfigError(
                "agent_protocol says how the program at agent_url is spoken to: give agent_url "
                "(--agent-url) too, or leave it out"
            )
        return
    if not _is_http_address(config.agent_url):
        raise ConfigError(
            "agent_url is the address of a program and begins with http:// or https://, such as "
            "http://127.0.0.1:8000"
        )
    if config.agent not in (defaults.DEFAULT_AGENT_IMPLEMENTATION, config.effective_agent):
        raise ConfigError(
            f"the program at agent_url is the agent: leave out agent {config.agent!r}"
        )


def _check_command(config: TextRunConfig) -> None:
    if config.agent_url is not None:
        raise ConfigError(
            "agent_command starts the program, agent_url is where one runs already: give one of "
            "them"
        )
    if config.agent_protocol not in (None, "mcp"):
        raise ConfigError(
            f"a program that agent_command starts plays over MCP: leave out agent_protocol "
            f"{config.agent_protocol!r}, or start the program yourself and give its agent_url"
        )
    if config.agent not in (defaults.DEFAULT_AGENT_IMPLEMENTATION, config.effective_agent):
        raise ConfigError(
            f"the program that agent_command starts is the agent: leave out agent {config.agent!r}"
        )


def _is_http_address(text: str) -> bool:
    try:
        parts = urlsplit(text.strip())
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is no number
        return False


def _agent_spec(name: str) -> AgentSpec | None:
    """Return the spec of an agent.

    None for a factory that was registered without one: it says neither whether it needs a model nor
    how it continues.
    """
    return registry.agents.get(name) if name in registry.agents else None


def _user_spec(name: str) -> UserSpec | None:
    """Return the spec of a user; None for one that was registered without."""
    return registry.users.get(name) if name in registry.users else None


def _user_model(config: RunConfig, user: UserSpec | None) -> RoleModel | None:
    """Return the model that the user of a run calls; None where no spec says that it needs one."""
    if user is None or not user.needs_model:
        return None
    return RoleModel(config.llm_user, config.llm_args_user)


def call_factory(factory: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """Call a factory with those of the options that it takes.

    An `environment` goes only to one that names it among its parameters, not to one that takes
    any options.
    """
    if "environment" not in inspect.signature(factory).parameters:
        options = {name: value for name, value in options.items() if name != "environment"}
    return call_with_known(factory, options)


def _tolerant(factory: Callable[..., Any]) -> Callable[..., Any]:
    """Return a factory that leaves out the options which the given one does not take."""

    def make(**options: Any) -> Any:
        return call_factory(factory, options)

    return make


def _resolved_call(config: VoiceRunConfig) -> ResolvedRun:
    """Resolve the names of a voice run."""
    from tau2.runner import voice  # noqa: PLC0415  -- only voice runs load it

    voice.check_provider(config)  # before the engines, which the user of a provider needs as well
    config = voice.completed(config)
    audio = config.audio_native_config
    local = audio.local_config
    name = config.text_agent
    agent_spec = _agent_spec(name) if name is not None else None
    user_spec = _user_spec(config.user)
    agent_model = None
    if agent_spec is not None and agent_spec.needs_model and local is not None:
        agent_model = RoleModel(local.llm or defaults.DEFAULT_LLM_AGENT, local.llm_args)
    return ResolvedRun(
        config=config,
        make_environment=environment_of(config),
        agent=name,
        user=config.user,
        make_agent=voice.agent_factory(
            config, _tolerant(agent_factory(name)) if name is not None else None
        ),
        make_user=voice.user_factory(config, _tolerant(user_factory(config.user))),
        accepts=registry.get_agent_task_filter(name) if name is not None else None,
        is_solo=False,
        participants=None,
        agent_model=agent_model,
        user_model=_user_model(config, user_spec),
        judge=judge_of(config),
        reviewer=reviewer_of(config),
        decision_model=RoleModel(audio.decision_model, audio.decision_model_args)
        if audio.decision_model is not None
        else None,
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


def environment_factory(
    domain: str,
    variant: str | None = None,
    variant_arguments: JsonMapping | None = None,
) -> EnvironmentFactory:
    """Return a domain's constructor of environments, with a retrieval variant if it has them.

    Without a name it is the domain's default variant.

    Raises:
        UnknownName: there is no such domain, or no such variant.
        ConfigError: the domain has no variants and one is named, or their arguments are wrong.
    """
    factory: EnvironmentFactory = registry.get_env_constructor(domain)
    options = retrieval_options(domain, variant, variant_arguments)
    return partial(factory, **options) if options else factory


def retrieval_options(
    domain: str, variant: str | None, variant_arguments: JsonMapping | None
) -> JsonObject:
    """Return the options of a domain's environments for a retrieval variant.

    Nothing for a domain without variants. Raise UnknownName or ConfigError as
    `environment_factory` does.
    """
    if domain in registry.domains:
        return registry.domains.get(domain).environment_options(variant, variant_arguments)
    if variant is not None or variant_arguments:
        raise ConfigError(f"domain {domain!r} has no retrieval variants: no spec names any")
    return {}


def environment_of(config: RunConfig) -> EnvironmentFactory:
    """Return the constructor of environments of a run, with its retrieval variant.

    Raise UnknownName or ConfigError as `environment_factory` does.
    """
    return environment_factory(
        config.domain, config.retrieval_config or None, config.retrieval_config_kwargs
    )


def with_variant(config: RunConfig) -> RunConfig:
    """Return a configuration that names the retrieval variant of its run; None: there are none.

    Raise UnknownName or ConfigError as `environment_factory` does.
    """
    options = retrieval_options(
        config.domain, config.retrieval_config or None, config.retrieval_config_kwargs
    )
    variant = options.get("retrieval_variant")
    if variant == config.retrieval_config:
        return config
    return config.model_copy(update={"retrieval_config": variant})


def environment_of_record(info: Info) -> EnvironmentFactory:
    """Return the constructor of the environments that a stored run was played in.

    Grading looks at databases and searches nothing. So a variant that this version does not have is
    replaced by the default one, and one that needs a package or a key which is missing by the
    domain's plain one, with a warning. Arguments that say where something lies are left out: they
    may be a stranger's.

    Raise UnknownName for a domain that is not registered.
    """
    domain = info.environment_info.domain_name
    arguments = {
        name: value
        for name, value in (info.retrieval_config_kwargs or {}).items()
        if name not in PRIVATE_ARGS
    }
    try:
        return readable_environment(domain, info.retrieval_config, arguments)
    except (UnknownName, ConfigError) as problem:
        factory = readable_environment(domain)
        logger.warning("the retrieval variant is not used: %s", problem)
        return factory


def readable_environment(
    domain: str, variant: str | None = None, variant_arguments: JsonMapping | None = None
) -> EnvironmentFactory:
    """Return what makes environments to look at, in which nothing is searched.

    Where what the variant needs is missing, they have the domain's plain one, with a warning.

    Raise UnknownName or ConfigError as `environment_factory` does.
    """
    factory = environment_factory(domain, variant, variant_arguments)
    spec = registry.domains.get(domain) if domain in registry.domains else None
    if spec is None or spec.plain_variant is None:
        return factory
    return partial(_with_what_is_there, domain, factory, spec.plain_variant)


def _with_what_is_there(
    domain: str, factory: EnvironmentFactory, plain: str, **options: Any
) -> Environment:
    """Return an environment or, where what its variant needs is missing, one with a plain variant.

    Raise what that raises.
    """
    try:
        return factory(**options)
    except (ConfigError, MissingExtra) as problem:
        environment = environment_factory(domain, plain)(**options)
        logger.warning("the retrieval variant is not used: %s", problem)
        return environment


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
