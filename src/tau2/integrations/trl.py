"""TRL: environments and datasets for `GRPOTrainer`.

    GRPOTrainer(environment_factory=environment_factory("retail"), train_dataset=dataset("retail"),
    ...)

TRL derives an environment's tools from the methods of its class, so each domain has a class of its
own, made from the domain's tools. A reply without a tool call ends the episode; the agent therefore
speaks through `respond_user`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from tau2.environment.tool import Tool
from tau2.integrations.episode import Episode, EpisodeOutcome
from tau2.integrations.packages import needs_package
from tau2.integrations.toolbox import domain_tools, instructions_by_task, setup_for_tools, task_ids
from tau2.rollout import RolloutSetup
from tau2.utils.json_types import JsonMapping, JsonObject

# The content of each row's last message; TRL appends to it what `reset` returns.
_FIRST_USER_CONTENT = ""
_SCHEMA_TYPES = (str, int, float, bool, type(None), list, dict, Any)
_RESERVED_NAMES = frozenset({"reset", "get_reward"})


class TauTRLEnvironment:
    """One episode at a time; `reset` starts the next. The class of a domain has a method per tool.

    `on_failure` says what `get_reward` does when the infrastructure or the simulated user failed:
    "skip" returns None, which leaves the completion out of the loss, "raise" raises EpisodeFailed.
    """

    def __init__(
        self, domain: str, *, on_failure: Literal["skip", "raise"] = "skip", **options: Any
    ) -> None:
        self._episode = Episode(domain, **options)
        self._on_failure = on_failure
        self._outcome: EpisodeOutcome | None = None

    def reset(self, task_id: str = "", seed: int | None = None, **_row: Any) -> str:
        """Start the episode of a dataset row; return the user's first message.

        Raise UnknownName.
        """
        self._outcome = None
        return self._episode.reset(task_id, seed)

    def get_reward(self) -> float | None:
        """End the episode and return its reward; None when it says nothing about the agent."""
        if self._outcome is None:
            self._outcome = self._episode.finish()
        return self._outcome.reward if self._on_failure == "skip" else self._outcome.graded()


def environment_class(setup: RolloutSetup) -> type[TauTRLEnvironment]:
    """Return the environment class of a domain: one method per tool, described as TRL requires.

    Raise ValueError for a tool whose name TRL itself uses.
    """
    tools = domain_tools(setup)
    taken = sorted(_RESERVED_NAMES & {tool.name for tool in tools})
    if taken:
        raise ValueError(
            f"a tool named {taken[0]!r} would replace a method that TRL calls; rename it"
        )
    methods = {tool.name: method_of(tool) for tool in tools}
    words = [part.capitalize() for part in str(setup.domain).replace("-", "_").split("_")]
    return type(f"Tau{''.join(words)}Environment", (TauTRLEnvironment,), methods)


def environment_factory(domain: str, **options: Any) -> Callable[[], TauTRLEnvironment]:
    """Return a factory of environments of a domain, for GRPOTrainer.

    Options are those of `Episode`, and `on_failure` (see TauTRLEnvironment).
    """
    env_class = environment_class(setup_for_tools(domain, options))
    return lambda: env_class(domain, **options)


def environment_factories(
    domains: Sequence[str], **options: Any
) -> dict[str, Callable[[], TauTRLEnvironment]]:
    """Return a factory for each domain; the `environment` column of a row selects one."""
    return {domain: environment_factory(domain, **options) for domain in domains}


def rows(
    domain: str,
    split: str | None = None,
    *,
    count: int | None = None,
    seed: int | None = None,
    env_kwargs: JsonMapping | None = None,
    retrieval_config: str | None = None,
    retrieval_config_kwargs: JsonMapping | None = None,
) -> list[JsonObject]:
    """Return one dataset row per task: prompt, task_id, seed, environment (the domain's name).

    The prompt has the policy of the retrieval variant, in a domain that has variants.
    """
    setup = RolloutSetup(
        domain,
        env_kwargs=env_kwargs or {},
        retrieval_config=retrieval_config,
        retrieval_config_kwargs=retrieval_config_kwargs,
    )
    return [
        {
            "prompt": [
                {"role": "system", "content": system},
                {"role": "user", "content": _FIRST_USER_CONTENT},
            ],
            "task_id": task_id,
            "seed": seed,
            "environment": domain,
        }
        for task_id, system in instructions_by_task(setup, task_ids(domain, split, count))
    ]


def dataset(domains: str | Sequence[str], split: str | None = None, **options: Any) -> Any:
    """Return the rows of one or several domains as a `datasets.Dataset`; options as for `rows`."""
    with needs_package("datasets", "trl>=1.16"):
        from datasets import Dataset  # noqa: PLC0415  -- optional, and heavy
    names = [domains] if isinstance(domains, str) else domains
    return Dataset.from_list([row for name in names for row in rows(name, split, **options)])


def method_of(tool: Tool) -> Callable[..., str]:
    """Return a method that calls the tool, with the tool's signature, type hints and docstring."""
    name = tool.name
    func = tool._func  # noqa: SLF001  -- only its signature is read
    hints = get_type_hints(func)
    parameters = [
        parameter.replace(
            kind=parameter.KEYWORD_ONLY, annotation=plain(hints.get(parameter.name, Any))
        )
        for parameter in inspect.signature(func).parameters.values()
        if parameter.name in tool.params.model_fields
    ]

    def method(self: TauTRLEnvironment, **arguments: Any) -> str:
        return self._episode.call(name, arguments)

    receiver = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.Signature([receiver, *parameters], return_annotation=str)
    attributes = {
        "__name__": name,
        "__qualname__": name,
        "__doc__": docstring_of(tool),
        "__signature__": signature,
        "__annotations__": {**{p.name: p.annotation for p in parameters}, "return": str},
    }
    for attribute, value in attributes.items():
        setattr(method, attribute, value)
    return method


def plain(hint: Any) -> Any:
    """Return a type hint with `dict` for model classes: TRL makes JSON schemas from hints."""
    origin = get_origin(hint)
    args = get_args(hint)
    if origin is Literal:
        return hint
    if origin in (Union, UnionType):
        return Union[tuple(plain(arg) for arg in args)]  # noqa: UP007  -- computed
    if origin is list:
        return list[plain(args[0])]  # type: ignore[misc]  # computed
    if origin is dict:
        return dict[str, plain(args[1])]  # type: ignore[misc]  # computed
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return dict
    return hint if hint in _SCHEMA_TYPES else Any


def docstring_of(tool: Tool) -> str:
    """Return a tool's description as a Google docstring, with one line per argument."""
    properties = tool.parameters.get("properties", {})
    lines = [tool.description or tool.name]
    if properties:
        definitions = tool.parameters.get("$defs", {})
        lines += ["", "Args:"]
        lines += [
            f"    {name}: {_argument_description(name, schema, definitions)}"
            for name, schema in properties.items()
        ]
    lines += ["", "Returns:", "    The result of the tool."]
    return "\n".join(lines)


def _argument_description(name: str, schema: JsonMapping, definitions: JsonMapping) -> str:
    """Return an argument's description in one line; the fields of an object are named in it."""
    text = " ".join(str(schema.get("description") or name.replace("_", " ").capitalize()).split())
    reference = str((schema.get("items") or schema).get("$ref", "")).rpartition("/")[2]
    fields = definitions.get(reference, {}).get("properties", {})
    return f"{text} Fields: {', '.join(fields)}." if fields else text


__all__ = [
    "TauTRLEnvironment",
    "dataset",
    "environment_class",
    "environment_factories",
    "environment_factory",
    "rows",
]
