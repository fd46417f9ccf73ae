"""`tau2 run`: play tasks and grade them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import INTERRUPTED, OK, PROBLEMS
from tau2.cli.flags import add_flags, build_config, flags_of, given_values
from tau2.cli.logs import logging_to_stderr
from tau2.cli.parsing import CommandParser
from tau2.cli.voice_flags import (
    CONFIG,
    FILE_FLAG,
    VOICE_FLAGS,
    VOICE_GROUPS,
    check_text_values,
    merged,
    nested,
    voice_values,
    without,
)
from tau2.data_model.run_config import RunConfig, TextRunConfig, run_config_kind
from tau2.errors import CallerCodeError, ConfigError
from tau2.utils.output import is_terminal, show, show_error, show_json
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.metrics.summary import RunSummary
    from tau2.report.terminal.console import ConsoleSink
    from tau2.runner.events import Sink

_FLAGS = [*flags_of(TextRunConfig), *VOICE_FLAGS]
_FILE_FLAGS = [*(flag for flag in _FLAGS if "." not in flag.field), FILE_FLAG]

_TASKS = "which tasks"
_RECORD = "what is kept"
_PRINTED = "what is printed"
_GROUPS = {
    _TASKS: (
        *("domain", "task_ids", "num_tasks", "num_trials", "task_split_name", "task_set_name"),
        *("tasks_file", "retrieval_config", "retrieval_config_kwargs", "protocol"),
    ),
    "who plays": (
        *("agent", "llm_agent", "llm_args_agent", "agent_url", "agent_protocol"),
        "agent_command",
        *("user", "llm_user", "llm_args_user", "user_persona", "user_prompt"),
    ),
    "how it is judged": (
        *("llm_judge", "llm_args_judge", "user_monitor"),
        *("auto_review", "review_mode", "review_model", "review_args"),
    ),
    "how long, how fast and how much": (
        *("max_steps", "max_errors", "timeout", "session_timeout", "max_cost", "max_concurrency"),
        *("provider_limits", "executor", "workers", "worker_timeout", "seed"),
        "enforce_communication_protocol",
    ),
    "when something fails": (
        *("probe", "max_retries", "retry_delay", "stop_after_failures", "keep_going"),
    ),
    _RECORD: ("save_to", "auto_resume", "record", "cache", "verbose_logs", "otel"),
    _PRINTED: ("log_level",),
    **VOICE_GROUPS,
}

_EPILOG = """\
Spoken calls: `tau2 run --audio-native --help` lists their options, too.

examples:
  tau2 run --domain mock --agent oracle_agent --user scripted_user
      without a model or key
  tau2 run --domain retail --num-tasks 5 --num-trials 4 \\
      --agent-llm openai/gpt-4.1 --user-llm openai/gpt-4.1
      with models; keys come from the environment, e.g. OPENAI_API_KEY
  tau2 run --domain retail --user scripted_user --agent-llm openai/my-model \\
      --agent-llm-args '{"api_base": "http://127.0.0.1:8000/v1"}'
      with an OpenAI-compatible server of your own
  tau2 run --domain retail --agent-command 'python my_agent.py'
      with a program of yours, started for every episode (docs/agent-programs.md)
  tau2 run --domain mock --task-ids create_task_1 update_task_1 --save-to first
  tau2 run --resume first
      some tasks, under a name; later what is still missing of them
  tau2 run --domain mock --audio-native --audio-native-provider local
      spoken calls, without a key (extras voice and voice-local)
  tau2 run --config run.yaml --num-trials 4
      from a file, with something changed; --print-config writes one

exit codes:
  0    every simulation has a score
  1    simulations without a score: infrastructure failed, a model failed
       again and again, or code of yours has a bug
  2    wrong usage or configuration; nothing was played
  130  interrupted; whatever was finished is saved"""


def add_arguments(parser: CommandParser) -> None:
    """Add one flag per field of the configuration, and how the run is shown and stored."""
    parser.usage = "tau2 run --domain NAME [options]\n       tau2 run --config FILE [options]"
    parser.epilog = _EPILOG
    add_flags(parser, _FLAGS, _GROUPS)
    for title in VOICE_GROUPS:
        parser.hide(title, unless="--audio-native")
    parser.group("who plays").add_argument(
        "--audio-native", action="store_true", default=False,
        help="play calls: agent and user speak and hear, both at once if they like (docs/voice.md)",
    )  # fmt: skip
    kept = parser.group(_RECORD)
    kept.add_argument(
        "--resume", metavar="RUN", default=None,
        help="continue a stored run, by name or path, with its settings: play what is missing",
    )  # fmt: skip
    kept.add_argument(
        "--trust-settings", action="store_true", default=False,
        help="with --resume: use the addresses and files that the settings of the run name",
    )  # fmt: skip
    kept.add_argument(
        "--results-format", choices=("dir", "json"), default="dir",
        help="one file per simulation, or one file for all when the run ends (default: dir)",
    )  # fmt: skip
    file = parser.group("settings from a file")
    file.add_argument(
        "--config", metavar="FILE", type=Path, default=None,
        help="read settings from a .yaml, .toml or .json file; flags win over it",
    )  # fmt: skip
    file.add_argument(
        "--print-config", action="store_true", default=False,
        help="print every setting as YAML, for --config, with secrets masked; nothing is played",
    )  # fmt: skip
    printed = parser.group(_PRINTED)
    printed.add_argument(
        "--dry-run", action="store_true", default=False,
        help="estimate the run's calls, tokens and US dollars, low to high; nothing is played",
    )  # fmt: skip
    printed.add_argument(
        "--quiet", action="store_true", default=False, help="no progress, one line at the end"
    )
    printed.add_argument(
        "--json",
        action="store_true",
        default=False,
        help="print the summary as one JSON object only",
    )


def run(options: argparse.Namespace) -> int:
    """Play as the arguments say; return 0, or 1 when a simulation has no score."""
    config = _configured(options)
    options.redactor.learn(config.model_dump(exclude_unset=True))
    if options.print_config:
        from tau2.cli.config_file import as_yaml

        show(as_yaml(config), end="")
        return OK
    from tau2.runner.middleware import redactor_of

    with logging_to_stderr(config.log_level, redactor_of(config).text):
        return play(config, options)


def _configured(options: argparse.Namespace) -> RunConfig:
    """Return the settings of a stored run, below those of a file, below the flags."""
    given = nested(given_values(options, _FLAGS))
    _check_redacted(given)
    file: dict[str, Any] = {}
    if options.config is not None:
        from tau2.cli.config_file import check_masked, read_config_file

        file = without(read_config_file(options.config, _FILE_FLAGS), given)
        check_masked(options.config, file)
    values = merged(file, given)
    is_voice = options.audio_native or CONFIG in file
    if options.trust_settings and options.resume is None:
        raise ConfigError(
            "--trust-settings is about the settings of a stored run: add --resume RUN"
        )
    if options.resume is not None:
        from tau2.cli.resume import is_voice_run, resumed_values

        is_voice = is_voice or is_voice_run(options.resume)
        is_trusted = options.trust_settings or options.print_config
        values = resumed_values(options.resume, values, is_trusted=is_trusted)
    if "domain" not in values:
        raise ConfigError(_which_domain())
    if values.get("protocol") is not None:
        values = merged(_pinned(values, is_voice=is_voice), values)
    places = {name: f"{options.config}: {name}" for name in file}
    if is_voice:
        values = voice_values(values)
    else:
        check_text_values(values)
    config: RunConfig = build_config(run_config_kind(values), values, _FLAGS, places)
    return config


def _pinned(values: dict[str, Any], *, is_voice: bool) -> dict[str, Any]:
    """Return the settings of the protocol that is named."""
    from tau2.runner.protocols import protocol_named

    protocol = protocol_named(values["protocol"])
    return nested(protocol.values(values["domain"], is_voice=is_voice))


def _check_redacted(given: dict[str, Any]) -> None:
    """Raise ConfigError when a command was copied from where its secrets had been taken out."""
    from tau2.runner.stored_config import redacted_fields

    hidden = sorted(redacted_fields(given))
    if hidden:
        raise ConfigError(
            f"{', '.join(hidden)}: a secret was taken out here when this command was shown; "
            "write the secret, or leave it out and put the key into the environment"
        )


def _which_domain() -> str:
    from tau2.registry import registry

    return (
        f"--domain is required: one of {', '.join(registry.get_domains())}\n"
        "for example: tau2 run --domain mock --agent oracle_agent --user scripted_user"
    )


def play(
    config: RunConfig,
    options: argparse.Namespace,
    command: str = "run",
    listener: Callable[[Sink], Sink] | None = None,
) -> int:
    """Play a run, show it, and return the exit code.

    Args:
        config: What is played.
        options: Those of the command that say how the run is shown and stored.
        command: How the command is called that plays what is missing.
        listener: Returns what receives the events of the run, from what shows them.
    """
    from tau2.cli.costs import CostReport, dry_run
    from tau2.cli.embedded import without_key
    from tau2.cli.preflight import check_models, check_names, folder_for
    from tau2.cli.resume import resume_command
    from tau2.report.terminal.console import result_line
    from tau2.runner.batch import run_tasks
    from tau2.runner.middleware import redactor_of
    from tau2.runner.tasks import configured_tasks

    check_names(config)
    if options.dry_run:
        return dry_run(config, configured_tasks(config), as_json=options.json)
    if options.resume is None:
        embedded = without_key(config)
        config = embedded.config
        if embedded.note is not None:
            show_error(embedded.note)
    tasks = configured_tasks(config)
    check_models(config)
    folder, config = folder_for(config)
    sink = _sink(options)
    accounts = CostReport(sink)
    code = OK
    listening = accounts if listener is None else listener(accounts)
    try:
        run_tasks(
            config, tasks, save_path=folder, results_format=options.results_format, sink=listening
        )
    except KeyboardInterrupt:
        code = INTERRUPTED
    except CallerCodeError as bug:
        again = redactor_of(config).text(resume_command(options.given, folder, command))
        show_error(f"\ntau2 {command}: {bug}\nplay the rest with:\n  {again}")
        return PROBLEMS
    finally:
        sink.close()
    assert sink.summary is not None, "a run that ends reports it"
    if options.json:
        show_json(sink.summary.as_dict() | accounts.data())
    elif options.quiet:
        show(result_line(sink.summary))
    else:
        for line in accounts.lines(sink.summary):
            show(line)
    total = len(tasks) * config.num_trials
    again = redactor_of(config).text(resume_command(options.given, folder, command))
    accounts.explain(sink.summary.num_scored, total, again)
    if accounts.halted is not None:
        return PROBLEMS
    return _explain(sink.summary, total, code, again)


def _sink(options: argparse.Namespace) -> ConsoleSink:
    """Return the sink that shows the run.

    With --json, the progress is on standard error, and only on a terminal.
    """
    from tau2.report.terminal.console import ConsoleSink, quiet, terminal

    if options.quiet or (options.json and not is_terminal(error=True)):
        return quiet()
    return ConsoleSink(terminal(stderr=options.json), summary=not options.json)


def _interrupted(done: int, total: int) -> str:
    if not done:
        return "interrupted before a simulation was finished"
    kept = "it is saved" if done == 1 else "they are saved"
    return f"interrupted after {done:,} of {plural(total, 'simulation')}; {kept}"


def _explain(summary: RunSummary, total: int, code: int, again: str) -> int:
    """Say on standard error what is missing and how to get it; return the exit code."""
    if code == INTERRUPTED:
        show_error(f"\n{_interrupted(summary.num_simulations, total)}. Continue with:\n  {again}")
        return code
    if summary.unscored:
        show_error(
            f"\nno score: {len(summary.unscored):,} of "
            f"{plural(summary.num_simulations, 'simulation')}; "
            f"play only these again with:\n  {again}"
        )
        return PROBLEMS
    if summary.num_simulations < total:
        missing = plural(total - summary.num_simulations, "simulation")
        show_error(f"\nno record: {missing} of {total:,}; play the rest with:\n  {again}")
        return PROBLEMS
    return code
