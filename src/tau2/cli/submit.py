"""`tau2 submit`: prepare, check and verify a submission to a leaderboard."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tau2.cli.exit_codes import OK, PROBLEMS
from tau2.cli.parsing import CommandParser
from tau2.cli.progress import counting
from tau2.cli.run_paths import existing, named_run, title_of
from tau2.errors import ConfigError
from tau2.utils.output import show, show_json
from tau2.utils.terminal_text import indented, named
from tau2.utils.text import plural

if TYPE_CHECKING:
    from tau2.submission.verification import Verdict

_EPILOG = """\
examples:
  tau2 submit prepare retail-run airline-run telecom-run -o my-submission \\
      --model my-model --organization "My Lab" --email me@example.org
  tau2 submit validate my-submission
  tau2 submit verify-trajs my-submission      or runs, by name or path
  tau2 submit interaction-metrics retail-voice airline-voice --output metrics.json

prepare       one run per domain becomes submission.json and trajectories/; every
              trajectory is replayed first and must earn its reward (--no-verify
              leaves that out). What you do not give is marked to be filled in.
validate      names every defect; nothing is changed. --replay also grades again.
verify-trajs  replays and grades again; no agent, user or judge model is called. Calls
              are executed and the databases compared; --strict-replay compares
              the tool results, too.
interaction-metrics
              of spoken runs, one per domain: how fast the agent answers and yields,
              whether it interrupts, and what it ignores (docs/voice.md).

Exit code 1: something is wrong with the submission or its trajectories."""


def add_arguments(parser: CommandParser) -> None:
    """Add the action, its paths, and what no run knows."""
    parser.usage = "tau2 submit ACTION PATH [PATH ...] [options]"
    parser.epilog = _EPILOG
    parser.set_defaults(
        output=None,
        output_dir=None,
        model=None,
        organization=None,
        submitter=None,
        email=None,
        notes="",
    )
    parser.add_argument(
        "action",
        choices=("prepare", "validate", "verify-trajs", "interaction-metrics"),
        help="what to do",
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", help="runs, or a submission's folder")
    parser.add_argument(
        "-o", "--output-dir", type=Path, metavar="DIR", help="prepare: the new folder"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="interaction-metrics: also write them as JSON"
    )
    parser.add_switch("--no-verify", help="prepare: do not replay the trajectories first")
    parser.add_switch("--replay", help="validate: also replay and grade the trajectories")
    parser.add_switch(
        "--strict-replay", help="verify-trajs: tool results must read as they were recorded"
    )
    parser.add_argument(
        "--model", metavar="NAME", help="prepare: the model's name (default: as in the runs)"
    )
    parser.add_argument("--organization", metavar="NAME", help="prepare: who made the model")
    parser.add_argument(
        "--submitter", metavar="NAME", help="prepare: who submits (default: --organization)"
    )
    parser.add_argument("--email", metavar="ADDRESS", help="prepare: who answers questions")
    parser.add_argument("--notes", metavar="TEXT", help="prepare: what readers should know")
    parser.add_switch("--json", help="print one JSON object only")


def run(options: argparse.Namespace) -> int:
    """Do what is asked for."""
    actions = {
        "prepare": _prepare,
        "validate": _validate,
        "verify-trajs": _verify_trajs,
        "interaction-metrics": _interaction_metrics,
    }
    return actions[options.action](options)


def _prepare(options: argparse.Namespace) -> int:
    from tau2.storage.results import Results
    from tau2.submission.checks import validate
    from tau2.submission.prepare import Submitter, prepare, write

    if options.output_dir is None:
        raise ConfigError("submit prepare needs a new folder: -o DIR")
    paths = [named_run(name) for name in options.paths]
    runs = [Results.load(path) for path in paths]
    who = Submitter(
        options.model,
        options.organization,
        options.submitter or options.organization,
        options.email,
        options.notes,
    )
    prepared = prepare(runs, who, today=datetime.now(UTC).date())
    if not options.no_verify:
        _refuse_false(
            [
                (title_of(path), _verified(results))
                for path, results in zip(paths, runs, strict=True)
            ]
        )
    write(prepared, options.output_dir)
    open_points = [str(defect) for defect in validate(options.output_dir)]
    if options.json:
        submission = prepared.submission.model_dump(mode="json")
        data = {"folder": str(options.output_dir), "open": open_points, "submission": submission}
        show_json(data)
        return OK
    files = plural(len(prepared.trajectories), "trajectory file")
    show(f"wrote {named(options.output_dir)}: submission.json and {files}")
    if open_points:
        show("to be corrected before you submit it:")
        for point in open_points:
            show(f"  {indented(point)}")
    return OK


def _verified(results: Any, *, strict: bool = False) -> Verdict:
    from tau2.evaluator.evidence import ReplayRule
    from tau2.submission.verification import verify

    rule = ReplayRule.STRICT if strict else ReplayRule.EFFECTS
    with counting(len(results.simulations), "verifying") as step:
        return verify(results, replay=rule, on_graded=step)


def _refuse_false(verdicts: Sequence[tuple[str, Verdict]]) -> None:
    """Raise ConfigError when a trajectory does not earn what it claims."""
    lines = [f"{name}: {line}" for name, verdict in verdicts for line in _problems(verdict)]
    if lines:
        text = "\n  ".join(lines)
        raise ConfigError(
            "some rewards are not earned, so nothing was written "
            f"(--no-verify writes anyway):\n  {text}"
        )


def _problems(verdict: Verdict) -> list[str]:
    lines = [str(mismatch) for mismatch in verdict.mismatches]
    if verdict.changed_tasks:
        lines.append(f"not tasks of the domain: {', '.join(verdict.changed_tasks)}")
    return lines


def _validate(options: argparse.Namespace) -> int:
    from tau2.submission.checks import validate

    found = {}
    for name in options.paths:
        if not Path(name).is_dir():
            raise ConfigError(f"{name}: there is no such folder")
        with counting(0, "verifying") as step:
            found[name] = validate(Path(name), replay=options.replay, on_graded=step)
    failed = any(defect.is_error for defects in found.values() for defect in defects)
    if options.json:
        data = {
            name: [{"where": one.where, "what": one.what, "error": one.is_error} for one in defects]
            for name, defects in found.items()
        }
        show_json({"valid": not failed, "defects": data})
    else:
        for name, defects in found.items():
            errors = sum(defect.is_error for defect in defects)
            warnings = plural(len(defects) - errors, "warning")
            show(f"{named(name)}: {plural(errors, 'error')}, {warnings}")
            for defect in defects:
                show(f"  {indented(str(defect))}")
    return PROBLEMS if failed else OK


def _verify_trajs(options: argparse.Namespace) -> int:
    from tau2.storage.on_demand import results_on_demand

    verdicts = {
        str(path): _verified(results_on_demand(path), strict=options.strict_replay)
        for name in options.paths
        for path in _runs_at(name)
    }
    failed = not all(verdict.holds for verdict in verdicts.values())
    if options.json:
        data = [_data(name, verdict) for name, verdict in verdicts.items()]
        show_json({"verified": not failed, "runs": data})
        return PROBLEMS if failed else OK
    for name, verdict in verdicts.items():
        judged = f", {verdict.judged:,} with unchecked judge verdicts" if verdict.judged else ""
        skipped = f", {verdict.skipped:,} without a score skipped" if verdict.skipped else ""
        result = "all rewards are earned" if verdict.holds else "not all rewards are earned"
        checked = plural(verdict.checked, "simulation")
        show(f"{named(name)}: {checked} replayed{judged}{skipped}: {result}")
        for line in _problems(verdict):
            show(f"  {indented(line)}")
    return PROBLEMS if failed else OK


def _interaction_metrics(options: argparse.Namespace) -> int:
    from tau2.metrics.interaction import NoVoiceTicksError, panel_report, run_metrics
    from tau2.report.terminal.console import terminal
    from tau2.report.terminal.interaction import panels_view
    from tau2.storage.files import write_atomically
    from tau2.storage.on_demand import results_on_demand
    from tau2.utils import finite_json

    panels = []
    for path in [path for name in options.paths for path in _runs_at(name)]:
        try:
            panels.append(run_metrics(results_on_demand(path)))
        except NoVoiceTicksError as problem:
            raise ConfigError(
                f"{title_of(path)}: {problem}; `tau2 run --audio-native` makes a spoken run"
            ) from problem
    domains = [panel.domain for panel in panels]
    twice = next((domain for domain in domains if domains.count(domain) > 1), None)
    if twice is not None:
        raise ConfigError(f"two of the runs are of domain {twice!r}; give one run per domain")
    report = panel_report(panels)
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(options.output, finite_json.dumps(report, indent=2).encode() + b"\n")
    if options.json:
        show_json(report)
        return OK
    terminal().print(panels_view(panels))
    if options.output is not None:
        show(f"\nwrote {named(options.output)}")
    return OK


def _runs_at(name: str) -> list[Path]:
    """Return the runs that a path means: those of a submission's folder, else the one run."""
    from tau2.submission.prepare import TRAJECTORIES_NAME

    below = Path(name) / TRAJECTORIES_NAME
    if below.is_dir():
        return [existing(file) for file in sorted(below.glob("*.json"))]
    return [named_run(name)]


def _data(name: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "run": name,
        "holds": verdict.holds,
        "checked": verdict.checked,
        "judged": verdict.judged,
        "skipped": verdict.skipped,
        "changed_tasks": list(verdict.changed_tasks),
        "mismatches": [asdict(mismatch) for mismatch in verdict.mismatches],
    }
