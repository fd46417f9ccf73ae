"""The reference of the public packages: one page a module, from signatures and docstrings.

griffe reads the sources without importing them. A page is MyST markdown: docstrings are markdown,
and every class and function is an entry of Sphinx's Python domain, so that the search finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import griffe

MODULES = (
    "tau2.data_model.message",
    "tau2.data_model.tasks",
    "tau2.data_model.simulation",
    "tau2.data_model.run_config",
    "tau2.data_model.audio",
    "tau2.data_model.review",
    "tau2.storage.results",
    "tau2.environment.db",
    "tau2.environment.tool",
    "tau2.environment.toolkit",
    "tau2.environment.environment",
    "tau2.environment.domain",
    "tau2.environment.task_setup",
    "tau2.environment.policy_rules",
    "tau2.participant.spec",
    "tau2.orchestrator.orchestrator",
    "tau2.evaluator.evaluator",
    "tau2.metrics.agent_metrics",
    "tau2.metrics.comparison",
    "tau2.metrics.outcomes",
    "tau2.llm",
    "tau2.blame",
    "tau2.audit.audit",
    "tau2.registry",
    "tau2.runner",
    "tau2.runner.events",
    "tau2.runner.regrade",
    "tau2.rollout",
    "tau2.gym",
    "tau2.testing",
    "tau2.agent.base_agent",
    "tau2.agent.llm_agent",
    "tau2.user.user_simulator",
    "tau2.user.monitor",
    "tau2.environment.diff",
    "tau2.environment.discovery",
    "tau2.evaluator.evaluator_communicate",
    "tau2.evaluator.evidence",
    "tau2.evaluator.review",
    "tau2.knowledge.documents",
    "tau2.knowledge.index",
    "tau2.knowledge.protocols",
    "tau2.knowledge.tools",
    "tau2.knowledge.variants",
    "tau2.report.formats",
    "tau2.runner.replay",
    "tau2.telemetry",
    "tau2.integrations.trl",
    "tau2.integrations.verifiers",
    "tau2.integrations.skyrl_gym",
    "tau2.integrations.tinker_cookbook",
    "tau2.integrations.openenv",
    "tau2.voice.adapters.registry",
    "tau2.voice.speech.registry",
    "tau2.voice.speech.protocols",
    "tau2.errors",
    "tau2.plugins",
    "tau2",
)
"""Public modules. An object is described on the first page that has it; the others link there."""
_SHOWN_FIRST = ("tau2", "tau2.runner", "tau2.rollout", "tau2.gym", "tau2.plugins", "tau2.testing")
PUBLIC: set[str] = set()
"""Paths of all classes and functions that are described, filled by `write_reference`."""


def write_reference(source: Path, folder: Path) -> None:
    """Write the pages of the reference into `folder`; the sources lie below `source`."""
    package = griffe.load(
        "tau2", search_paths=[source], docstring_parser="google", allow_inspection=False
    )
    modules = [_module(package, name) for name in MODULES]
    PUBLIC.update(found.path for module in modules for _, found in _public(module))
    homes: dict[str, str] = {}
    folder.mkdir(parents=True)
    for module in modules:
        (folder / f"{module.path}.md").write_text(module_page(module, homes), encoding="utf-8")
    order = [*_SHOWN_FIRST, *sorted(set(MODULES) - set(_SHOWN_FIRST))]
    (folder / "index.md").write_text(_index(package, order), encoding="utf-8")


def _index(package: griffe.Module, order: list[str]) -> str:
    rows = [f"| [{name}]({name}.md) | {_summary(_module(package, name))} |" for name in order]
    names = "\n".join(order)
    return (
        "# Python packages\n\n"
        "What is listed here is public. Names load on first use, so importing is cheap.\n\n"
        "| module | what |\n|---|---|\n" + "\n".join(rows) + "\n\n"
        "```{toctree}\n:hidden:\n\n" + names + "\n```\n"
    )


def _module(package: griffe.Module, name: str) -> griffe.Module:
    return package if name == "tau2" else package[name.removeprefix("tau2.")]


def _summary(thing: griffe.Object) -> str:
    text = thing.docstring.value if thing.docstring else ""
    return text.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def module_page(module: griffe.Module, homes: dict[str, str]) -> str:
    """Return the page of a module; `homes` has the pages that describe what was seen before."""
    described: list[str] = []
    elsewhere: list[str] = []
    for name, found in _public(module):
        home = homes.setdefault(found.path, module.path)
        if home != module.path:
            elsewhere.append(f"| `{name}` | {_summary(found)} | [{home}]({home}.md) |")
        else:
            described += [_entry(name, found), ""]
    parts = [f"# {module.path}", "", _prose(module), ""]
    parts += [f"```{{py:module}} {module.path}", "```", "", *described]
    if elsewhere:
        table = ["| name | what | described in |", "|---|---|---|", *elsewhere]
        parts += ["", "## Names from other modules", "", *table, ""]
    return "\n".join(parts)


def _public(module: griffe.Module) -> Iterator[tuple[str, griffe.Object]]:
    """Yield the public names of a module with what they stand for."""
    for name in _public_names(module):
        found = _target(module.members.get(name))
        if found is not None:
            yield name, found


def _public_names(module: griffe.Module) -> list[str]:
    if module.exports:
        return [str(name) for name in module.exports]
    own = {name: member for name, member in module.members.items() if not member.is_alias}
    return [name for name in own if not name.startswith("_") and own[name].docstring is not None]


def _target(member: griffe.Object | griffe.Alias | None) -> griffe.Object | None:
    """Return what a name stands for; None for what is not of this package, and for modules."""
    if member is None:
        return None
    try:
        found = member.final_target if isinstance(member, griffe.Alias) else member
    except griffe.AliasResolutionError:
        return None
    if found.is_module or not found.path.startswith("tau2"):
        return None
    return found


def _entry(name: str, thing: griffe.Object) -> str:
    if isinstance(thing, griffe.Class):
        return _class(name, thing)
    if isinstance(thing, griffe.Function):
        options = sorted(thing.labels & _OPTIONS)
        signature = _signature(name, thing)
        return _directive("function", signature, _prose(thing), depth=4, options=options)
    return _directive("data", name, _value(thing) + "\n\n" + _prose(thing), depth=4)


_OPTIONS = {"async", "classmethod", "staticmethod"}
"""What griffe calls a function that Sphinx has an option for."""


def _class(name: str, thing: griffe.Class) -> str:
    made = _signature(name, _constructor(thing)).removesuffix(" -> None")
    content = [_bases(thing), _prose(thing), *_fields(thing)]
    for member in _methods(thing):
        signature = _signature(member.name, member)
        options = sorted(member.labels & _OPTIONS)
        content.append(_directive("method", signature, _prose(member), depth=4, options=options))
    body = "\n\n".join(part for part in content if part)
    return _directive("class", made, body, depth=5)


def _constructor(thing: griffe.Class) -> griffe.Function | None:
    member = thing.members.get("__init__")
    return member if isinstance(member, griffe.Function) else None


def _bases(thing: griffe.Class) -> str:
    bases = [str(base) for base in thing.bases]
    names = [base for base in bases if base not in {"object", "BaseModel"} and base[0] != "_"]
    return "Bases: " + ", ".join(f"`{name}`" for name in names) if names else ""


def _fields(thing: griffe.Class) -> Iterator[str]:
    """Yield the table of fields, properties and enum members."""
    rows = []
    for name, member in _members(thing).items():
        if name.startswith("_") or not isinstance(member, griffe.Attribute):
            continue
        if member.docstring is None and _is_set_by_constructor(member):
            continue
        kind = f"`{_cell(str(member.annotation))}`" if member.annotation else ""
        default = f"`{_cell(_short(str(member.value)))}`" if member.value is not None else ""
        rows.append(f"| `{name}` | {kind} | {default} | {_cell(_one_line(member))} |")
    if rows:
        yield "\n".join(["| field | type | default | meaning |", "|---|---|---|---|", *rows])


def _is_set_by_constructor(member: griffe.Attribute) -> bool:
    made = member.parent.members.get("__init__") if member.parent is not None else None
    return made is not None and made.lineno <= member.lineno <= made.endlineno


_LONGEST_VALUE = 60


def _short(value: str) -> str:
    flat = " ".join(value.split())
    return flat if len(flat) <= _LONGEST_VALUE else flat[: _LONGEST_VALUE - 1] + "…"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _one_line(thing: griffe.Object) -> str:
    return " ".join(thing.docstring.value.split()) if thing.docstring else ""


def _members(thing: griffe.Class) -> dict[str, griffe.Object]:
    """Return the members of a class, and those of its bases that have no page of their own."""
    found: dict[str, griffe.Object] = {}
    for base in reversed([base for base in thing.mro() if base.path not in PUBLIC]):
        if base.path.startswith("tau2."):
            found.update(base.members)
    return {**found, **thing.members}


def _methods(thing: griffe.Class) -> list[griffe.Function]:
    return [
        member
        for name, member in _members(thing).items()
        if isinstance(member, griffe.Function) and (not name.startswith("_") or name == "__call__")
    ]


def _signature(name: str, function: griffe.Function | None) -> str:
    """Return a signature on one line, with types and defaults."""
    if function is None:
        return name
    parts: list[str] = []
    is_keyword_only = False
    for parameter in function.parameters:
        if parameter.name in {"self", "cls"} and not parts:
            continue
        kind = parameter.kind
        if kind is griffe.ParameterKind.keyword_only and not is_keyword_only:
            is_keyword_only = True
            parts.append("*")
        if kind is griffe.ParameterKind.var_positional:
            is_keyword_only = True
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind.value, "")
        text = stars + parameter.name
        if parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None and not stars:
            text += f" = {parameter.default}"
        parts.append(text)
    returned = f" -> {function.returns}" if function.returns is not None else ""
    return " ".join(f"{name}({', '.join(parts)}){returned}".split())


def _value(thing: griffe.Object) -> str:
    value = getattr(thing, "value", None)
    return f"`{_short(str(value))}`" if value is not None else ""


def _prose(thing: griffe.Object) -> str:
    """Return a docstring as markdown; its sections become lists."""
    if thing.docstring is None:
        return ""
    return "\n\n".join(_section(part) for part in thing.docstring.parsed)


_NAMED = {
    griffe.DocstringSectionKind.parameters: "Arguments",
    griffe.DocstringSectionKind.attributes: "Attributes",
}


def _section(part: griffe.DocstringSection) -> str:
    kind = part.kind
    if kind is griffe.DocstringSectionKind.text:
        return str(part.value)
    if kind in _NAMED:
        rows = [f"* `{item.name}`: {_flat(item.description)}" for item in part.value]
        return "\n".join([f"**{_NAMED[kind]}**", "", *rows])
    if kind is griffe.DocstringSectionKind.raises:
        rows = [f"* `{item.annotation}`: {_flat(item.description)}" for item in part.value]
        return "\n".join(["**Raises**", "", *rows])
    if kind in {griffe.DocstringSectionKind.returns, griffe.DocstringSectionKind.yields}:
        title = "Returns" if kind is griffe.DocstringSectionKind.returns else "Yields"
        return f"**{title}** " + " ".join(_flat(item.description) for item in part.value)
    if kind is griffe.DocstringSectionKind.examples:
        return "\n\n".join(f"```python\n{text}\n```" for _, text in part.value)
    if kind is griffe.DocstringSectionKind.admonition:
        return f"**{part.title}** {part.value.contents}"
    return str(part.value)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _directive(
    kind: str, argument: str, content: str, *, depth: int, options: Iterable[str] = ()
) -> str:
    fence = "`" * depth
    lines = "".join(f":{option}:\n" for option in options)
    return f"{fence}{{py:{kind}}} {argument}\n{lines}\n{content}\n{fence}"
