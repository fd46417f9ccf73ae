"""Older command lines for AReaL 1.0.4: `allocation_mode` and `rollout.openai` as per-engine keys.

AReaL 1.0.4 reads one `backend` per engine and keeps its parser of the combined form, which is used
where AReaL is installed; the small parser here knows the same language, so that a command line can
be checked anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

from tau2.errors import ConfigError

INFERENCE = ("sglang", "vllm")
TRAINING = ("archon", "fsdp", "megatron")
_DIMENSIONS = {"inference": "dtp", "training": "dtpce", "attn": "dtpc", "ffn": "dtpe"}
_PART = re.compile(r"(?P<backend>[a-z]+)(?:\[(?P<name>[A-Za-z_]\w*)\])?:(?P<sizes>.+)", re.DOTALL)
_SIZE = re.compile(r"([a-z])([1-9][0-9]*)")
_EXPERTS = re.compile(r"\(?attn:(?P<attn>[^|()]+)\|ffn:(?P<ffn>[^|()]+)\)?")
_FORM = "<gen_backend>:<sizes>+<train_backend>:<sizes>, for example sglang:d4t2+archon:d4p2t1"
_UNNAMED = 2  # engines that need no names: who generates and who trains
_TRAINED_ROLES = ("actor", "critic", "ref")


@dataclass(frozen=True)
class Allocation:
    """One engine of an allocation: its backend, in AReaL's spelling, and its number of GPUs."""

    backend: str
    sizes: str
    world_size: int
    name: str | None = None

    @property
    def spec(self) -> str:
        """The value of the engine's `backend` key."""
        return f"{self.backend}:{self.sizes}"

    @property
    def generates(self) -> bool:
        """Whether the engine generates; otherwise it trains."""
        return self.backend in INFERENCE


def parse_allocation(text: str) -> list[Allocation]:
    """Return the engines of an allocation string.

    Raise ConfigError that says what is wrong and what is expected.
    """
    compact = re.sub(r"\s+", "", text)
    parts = compact.split("+")
    engines = [_engine(part, text) for part in parts]
    names = [engine.name for engine in engines if engine.name]
    if len(set(names)) < len(names):
        raise ConfigError(f"allocation_mode {text!r}: two engines have the same name")
    if len(engines) > _UNNAMED and len(names) < len(engines):
        raise ConfigError(
            f"allocation_mode {text!r}: of three or more engines, each needs a name, "
            "as in archon[actor]:d4"
        )
    return engines


def _engine(part: str, text: str) -> Allocation:
    found = _PART.fullmatch(part)
    if found is None:
        raise ConfigError(f"allocation_mode {text!r}: {part!r} is not understood; expected {_FORM}")
    backend, name, sizes = found["backend"], found["name"], found["sizes"]
    if backend not in INFERENCE + TRAINING:
        known = ", ".join(INFERENCE + TRAINING)
        raise ConfigError(f"allocation_mode {text!r}: no backend named {backend!r}; known: {known}")
    if "attn:" in sizes:
        if backend in INFERENCE or name is not None:
            raise ConfigError(
                f"allocation_mode {text!r}: attn and ffn are for a training backend without name"
            )
        return Allocation(backend, sizes, _expert_world_size(backend, sizes, text))
    given = _sizes(sizes, "inference" if backend in INFERENCE else "training", text)
    _check_backend(backend, given, text)
    return Allocation(backend, sizes, _world_size(given), name)


def _sizes(sizes: str, kind: str, text: str) -> dict[str, int]:
    found = _SIZE.findall(sizes)
    if not sizes or "".join(letter + number for letter, number in found) != sizes:
        raise ConfigError(
            f"allocation_mode {text!r}: {sizes!r} is not a list of sizes such as d4p2t1"
        )
    for letter, _ in found:
        if letter not in _DIMENSIONS[kind]:
            known = ", ".join(_DIMENSIONS[kind])
            raise ConfigError(
                f"allocation_mode {text!r}: {kind} has no dimension {letter!r}; known: {known}"
            )
    return {letter: int(number) for letter, number in found}


def _world_size(sizes: dict[str, int]) -> int:
    """Return the GPUs of an engine; experts share those of the other dimensions."""
    return prod(size for letter, size in sizes.items() if letter != "e")


def _check_backend(backend: str, sizes: dict[str, int], text: str) -> None:
    if backend == "fsdp" and (sizes.get("p", 1) > 1 or sizes.get("e", 1) > 1):
        raise ConfigError(
            f"allocation_mode {text!r}: fsdp has no pipeline and no expert parallelism; use archon"
        )
    if sizes.get("e", 1) > 1 and _world_size(sizes) % (sizes["e"] * sizes.get("p", 1)):
        raise ConfigError(
            f"allocation_mode {text!r}: {sizes['e']} experts do not divide "
            f"{_world_size(sizes)} GPUs"
        )


def _expert_world_size(backend: str, sizes: str, text: str) -> int:
    found = _EXPERTS.fullmatch(sizes)
    if found is None:
        raise ConfigError(
            f"allocation_mode {text!r}: {sizes!r} is not of the form (attn:d4p4t2|ffn:d2p4e4)"
        )
    attn, ffn = _sizes(found["attn"], "attn", text), _sizes(found["ffn"], "ffn", text)
    if backend == "fsdp":
        _check_backend(backend, attn | ffn, text)
    stages = attn.get("p", 1)
    if ffn.setdefault("p", stages) != stages:
        raise ConfigError(
            f"allocation_mode {text!r}: attn and ffn must have the same pipeline size"
        )
    world = _world_size(attn)
    others = ffn["p"] * ffn.get("t", 1) * ffn.get("e", 1)
    if world % others or ffn.get("d", world // others) * others != world:
        raise ConfigError(
            f"allocation_mode {text!r}: attn and ffn must take the same number of GPUs"
        )
    return world


def with_areal(text: str, parse: Callable[[str], object]) -> list[Allocation]:
    """Return the engines as AReaL's own parser (`_AllocationMode.from_str`) sees them.

    Raise ConfigError with AReaL's words when it refuses. AReaL's objects do not spell themselves
    back for expert layers, so the sizes stay in the words of the command line, which AReaL has
    accepted.
    """
    try:
        seen = parse(text)
    except Exception as problem:  # AReaL's refusals have no common class
        raise ConfigError(
            f"allocation_mode {text!r}: {str(problem).strip().splitlines()[0]}"
        ) from problem
    engines = parse_allocation(text)
    allocations = seen.allocations  # type: ignore[attr-defined]  -- AReaL's
    found = [(allocation.backend, allocation.parallel.world_size) for allocation in allocations]
    if found != [(engine.backend, engine.world_size) for engine in engines]:
        raise ConfigError(
            f"allocation_mode {text!r}: AReaL reads it as {found}, which has no per-engine form "
            "here"
        )
    return engines


@dataclass(frozen=True)
class Backends:
    """The engines of one training run."""

    rollout: Allocation
    actor: Allocation
    others: tuple[Allocation, ...] = field(default=())

    def overrides(self) -> list[str]:
        """Return the keys that AReaL 1.0.4 reads, quoted for Hydra's grammar."""
        engines = [("rollout", self.rollout), ("actor", self.actor)]
        engines += [(engine.name or "", engine) for engine in self.others]
        return [f"{role}.backend='{engine.spec}'" for role, engine in engines]


def backends_of(text: str, parse: Callable[[str], object] | None = None) -> Backends:
    """Return who generates and who trains; `parse` is AReaL's own parser, where there is one.

    Raise ConfigError for a string that names not exactly one engine to generate and an actor to
    train.
    """
    if "|" in re.sub(r"attn:[^|()+]+\|ffn:", "", re.sub(r"\s+", "", text)):
        raise ConfigError(
            f"allocation_mode {text!r}: engines that share GPUs ('|') have no combined form in "
            "AReaL 1.0.4; "
            "set rollout.backend, actor.backend and actor.scheduling_strategy instead"
        )
    engines = parse_allocation(text) if parse is None else with_areal(text, parse)
    rollout = [engine for engine in engines if engine.generates]
    trained = [engine for engine in engines if not engine.generates]
    if len(rollout) != 1 or not trained:
        raise ConfigError(
            f"allocation_mode {text!r}: one engine must generate and one must train; "
            f"expected {_FORM}"
        )
    actor = next((engine for engine in trained if engine.name == "actor"), trained[0])
    others = tuple(engine for engine in trained if engine is not actor)
    for engine in others:
        if engine.name not in _TRAINED_ROLES:
            raise ConfigError(
                f"allocation_mode {text!r}: a further engine must be named [critic] or [ref]"
            )
    return Backends(rollout[0], actor, others)


_OLD = re.compile(r"(?P<prefix>[+~]{0,2})rollout\.openai(?P<rest>[.=@].*)", re.DOTALL)
_ALLOCATION_KEY = re.compile(r"\+{0,2}allocation_mode=(?P<value>.*)", re.DOTALL)


def translated(overrides: Sequence[str], parse: Callable[[str], object] | None = None) -> list[str]:
    """Return command-line overrides with the older keys in AReaL 1.0.4's terms.

    Everything else stays as it is.

    A backend that is given itself wins over the one in `allocation_mode`. Raise ConfigError for a
    bad allocation.
    """
    given = {override.lstrip("+").partition("=")[0] for override in overrides}
    result: list[str] = []
    for override in overrides:
        allocation, old = _ALLOCATION_KEY.fullmatch(override), _OLD.fullmatch(override)
        if allocation is not None:
            value = allocation["value"].strip("'\"")
            new = backends_of(value, parse).overrides() if value not in {"", "null"} else []
            result += [key for key in new if key.partition("=")[0] not in given]
        else:
            result.append(
                f"{old['prefix']}rollout.agent{old['rest']}" if old is not None else override
            )
    return result


def translated_config(
    config: dict[str, object], parse: Callable[[str], object] | None = None
) -> dict[str, object]:
    """Return a configuration file's content with the older keys in AReaL 1.0.4's terms.

    Equal when there are none.
    """
    result = dict(config)
    engines = ("rollout", *_TRAINED_ROLES)
    sections = {
        name: dict(value) for name in engines if isinstance(value := config.get(name), dict)
    }
    allocation = result.pop("allocation_mode", None)
    if allocation:
        for override in backends_of(str(allocation), parse).overrides():
            role, _, spec = override.partition(".backend=")
            sections.setdefault(role, {}).setdefault("backend", spec.strip("'"))
    rollout = sections.get("rollout", {})
    if "openai" in rollout:
        old = rollout.pop("openai") or {}
        rollout["agent"] = {**old, **(rollout.get("agent") or {})}
    return result | sections
