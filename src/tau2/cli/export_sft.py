"""`tau2 export sft`: conversations to imitate, from reference episodes or from stored runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK
from tau2.cli.parsing import CommandParser
from tau2.cli.run_paths import named_run
from tau2.errors import ConfigError, needs_extra
from tau2.utils.output import show, show_json
from tau2.utils.terminal_text import named
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.data_model.simulation import Info
    from tau2.data_model.tasks import Task
    from tau2.environment.domain import DomainSpec
    from tau2.report.sft import Played, SftSummary
    from tau2.storage.results import Results
    from tau2.utils.json_types import JsonObject

OPTIONS = (
    "domain", "n", "difficulty", "tasks_file", "task_split_name", "agent", "trials", "seed",
    "min_reward", "tokenizer", "max_tokens", "include_test_tasks",
)  # fmt: skip
"""The options that `tau2 export` has for this alone."""
_PLAYING = (
    "domain", "n", "difficulty", "tasks_file", "task_split_name", "agent", "trials", "seed",
)  # fmt: skip
_FORMS = ("jsonl", "parquet")


def add_arguments(parser: CommandParser) -> None:
    """Add what is played and which conversations are kept."""
    group = parser.add_argument_group("sft")
    group.add_argument("-d", "--domain", metavar="NAME", help="play reference episodes of it")
    group.add_argument(
        "--n", type=int, metavar="N", help="of so many generated tasks (default: its train split)"
    )
    group.add_argument(
        "--difficulty", choices=("easy", "medium", "hard"), help="of the generated tasks"
    )
    group.add_argument("--tasks-file", metavar="FILE", help="of the tasks of a JSON file")
    group.add_argument("--task-split-name", metavar="SPLIT", help="of another split")
    group.add_argument(
        "--agent",
        metavar="NAME",
        help="who plays: paraphrasing_oracle, in many manners (default), or oracle_agent",
    )
    group.add_argument("--trials", type=int, metavar="N", help="episodes of each task (default: 1)")
    group.add_argument("--seed", type=int, help="seed of tasks and episodes (default: 0)")
    group.add_argument(
        "--min-reward", type=float, metavar="R", help="keep episodes with at least R (default: 1)"
    )
    group.add_argument(
        "--tokenizer",
        metavar="NAME",
        help="add tokens and loss masks of this model: a name, a folder, a GGUF file or local/NAME",
    )
    group.add_argument("--max-tokens", type=int, metavar="N", help="leave longer conversations out")
    group.add_argument(
        "--include-test-tasks",
        action="store_true",
        help="keep tasks of test splits and of held-out kinds",
    )


def run(runs: Sequence[str], options: argparse.Namespace) -> int:
    """Play or read the episodes, write those worth imitating, and say what became of the rest."""
    from tau2.report.sft import SftRows, write_rows

    given = vars(options)
    if options.to not in _FORMS:
        raise ConfigError(f"sft is written as {' or '.join(_FORMS)}, not as {options.to}")
    if bool(runs) == ("domain" in given):
        raise ConfigError("name stored runs, or a --domain whose reference episodes are played")
    if useless := [name for name in _PLAYING if runs and name in given]:
        raise ConfigError(f"--{useless[0].replace('_', '-')} is for episodes that are played")
    kept = {name: given[name] for name in ("min_reward", "max_tokens") if name in given}
    tokenizer = _tokenizer(given["tokenizer"]) if "tokenizer" in given else None
    summaries: list[SftSummary] = []

    def rows() -> Iterator[JsonObject]:
        for info, some in _stored(runs, given) if runs else _played(given):
            domain = info.environment_info.domain_name
            maker = SftRows(domain, info=info, tokenizer=tokenizer, **kept)
            summaries.append(maker.summary)
            yield from maker.each(some)
        if not any(summary.rows for summary in summaries):
            reasons = _left_out(summaries) or "none"
            raise ConfigError(f"no conversation is worth imitating: {reasons}")

    file = options.output or Path(f"sft.{options.to}")
    write_rows(rows(), file, options.to)
    _say(file, summaries, as_json=options.json)
    return OK


def _stored(runs: Sequence[str], given: dict[str, Any]) -> Iterator[tuple[Info, Iterator[Played]]]:
    """Yield what each stored run was, and its episodes."""
    from tau2.storage.on_demand import results_on_demand

    for name in runs:
        results = results_on_demand(named_run(name))
        _check(results.info.environment_info.domain_name, results.tasks, given)
        yield results.info, _episodes(results)


def _episodes(results: Results) -> Iterator[Played]:
    from tau2.report.sft import Played
    from tau2.storage.stored_simulations import one_by_one

    tasks = {task.id: task for task in results.tasks}
    for one in one_by_one(results.simulations):
        if one.task_id in tasks:
            yield Played(tasks[one.task_id], one)


def _played(given: dict[str, Any]) -> Iterator[tuple[Info, Iterator[Played]]]:
    """Yield what the run of a domain's reference episodes was, and the episodes."""
    from tau2.data_model.run_config import TextRunConfig
    from tau2.registry import registry
    from tau2.runner import run_tasks
    from tau2.runner.events import ignore_events

    spec = registry.domains.get(given["domain"])
    tasks = _tasks(spec, given)
    _check(spec.name, tasks, given)
    config = TextRunConfig(
        domain=spec.name,
        agent=given.get("agent", "paraphrasing_oracle"),
        user="scripted_user",
        num_trials=given.get("trials", 1),
        seed=given.get("seed", 0),
    )
    results = run_tasks(config, tasks, console_display=False, sink=ignore_events)
    order = {task.id: at for at, task in enumerate(tasks)}
    results.simulations.sort(key=lambda one: (one.trial, order[one.task_id]))
    yield results.info, _episodes(results)


def _tasks(spec: DomainSpec, given: dict[str, Any]) -> list[Task]:
    from tau2.agent.oracle_agent import has_reference
    from tau2.runner.tasks import generate_tasks, get_tasks, load_task_splits, tasks_of_file

    sources = [name for name in ("n", "tasks_file", "task_split_name") if name in given]
    if len(sources) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in sources)
        raise ConfigError(f"{flags} name different tasks; give one of them")
    if "difficulty" in given and "n" not in given:
        raise ConfigError("--difficulty is that of generated tasks, so it needs --n")
    if "n" in given:
        tasks = generate_tasks(spec.name, given["n"], given.get("seed", 0), given.get("difficulty"))
    elif "tasks_file" in given:
        tasks = tasks_of_file(given["tasks_file"])
    else:
        # A domain without a train split has no test split either.
        own = "train" if "train" in (load_task_splits(spec.name) or {}) else None
        tasks = get_tasks(spec.name, given.get("task_split_name", own))
    return [task for task in tasks if has_reference(task)]


def _check(domain: str, tasks: Sequence[Task], given: dict[str, Any]) -> None:
    from tau2.report.sft import refuse_held_out
    from tau2.runner.tasks import load_task_splits

    if "include_test_tasks" not in given:
        refuse_held_out(tasks, load_task_splits(domain) or {})


def _tokenizer(name: str) -> Any:
    from tau2.llm.local.weights import GGUF, PREFIX, weights_path

    with needs_extra("train", "transformers"):
        from transformers import AutoTokenizer
    is_gguf = name.startswith(PREFIX) or name.endswith(GGUF)
    file = weights_path(name) if is_gguf else Path(name)
    try:
        if is_gguf:
            with needs_extra("train", "gguf"):
                import gguf  # noqa: F401  -- transformers reads the file with it
            return AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
        return AutoTokenizer.from_pretrained(name)
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"--tokenizer {name!r} cannot be loaded: {reason}") from error


def _left_out(summaries: Sequence[SftSummary]) -> str:
    reasons: dict[str, int] = {}
    for summary in summaries:
        for reason, count in summary.left_out.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))


def _say(file: Path, summaries: Sequence[SftSummary], *, as_json: bool) -> None:
    total = {
        name: sum(getattr(one, name) for one in summaries)
        for name in ("rows", "replies", "tokens", "learnt_tokens")
    }
    if as_json:
        left_out = [one.left_out for one in summaries]
        context_only = [one.context_only for one in summaries]
        report = {"file": str(file), **total, "left_out": left_out, "context_only": context_only}
        show_json(report, indent=None)
        return
    conversations = plural(total["rows"], "conversation")
    learnt = plural(total["replies"], "turn")
    show(f"wrote {named(file)}: {conversations}, {learnt} of the agent to imitate")
    if total["tokens"]:
        show(f"{total['tokens']:,} tokens, {total['learnt_tokens']:,} of them in the loss")
    if reasons := _left_out(summaries):
        show(f"left out: {reasons}")
