"""A report as one HTML file that loads nothing from elsewhere.

Conversations are kept compressed, each by itself, and drawn by the page's script when opened.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tau2.data_model.simulation import Info
from tau2.environment.diff import TurnDiff, turn_diffs
from tau2.environment.environment import Environment
from tau2.metrics.figures import RunFigures
from tau2.metrics.outcomes import Outcome, outcome_of
from tau2.report.cleaner import Cleaner
from tau2.report.html.chart import pass_hat_chart
from tau2.report.html.conversation import conversation_data
from tau2.report.html.overview import LOOKS, run_overview
from tau2.report.html.recordings import DEFAULT_AUDIO_MINUTES, Recordings
from tau2.report.html.templating import new_environment
from tau2.report.terminal.timeline import readable
from tau2.runner.build import rebuild_environment
from tau2.storage.results import Results
from tau2.utils.text import plural

DEFAULT_CONVERSATIONS = 1_000
MOST_BYTES = 96 * 1024 * 1024
"""Of all compressed conversations in a page; a browser opens about that much without delay."""
MOST_LISTED = 200  # excluded or repeated units that are named


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """A run and its figures."""

    results: Results
    figures: RunFigures
    path: Path | None = None
    """Where it is stored: recordings of calls lie beside it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A report that was made."""

    html: str
    num_conversations: int
    """Conversations that are in it."""
    left_out: int
    """Conversations that are not, because of a limit."""
    num_recordings: int = 0
    """Recordings of calls that are in it."""
    num_linked: int = 0
    """Recordings that lie beside it, and play only while they do."""


@dataclass(slots=True)
class _Embedded:
    """The conversations in the page."""

    packed: dict[tuple[int, int], Markup] = field(default_factory=dict)
    """By the number of the run and the place in it: JSON data, compressed."""
    size: int = 0
    left_out: int = 0
    has_calls: bool = False


def report_page(
    runs: Sequence[ReportedRun],
    *,
    most_conversations: int = DEFAULT_CONVERSATIONS,
    with_diffs: bool = True,
    clean: Cleaner | None = None,
    audio_minutes: float = DEFAULT_AUDIO_MINUTES,
    folder: Path | None = None,
) -> Page:
    """Return a report of runs as one HTML page; the same runs give the same page.

    Args:
        runs: The runs, in the order they are shown.
        most_conversations: How many conversations the page holds: failures of the agent first, then
            what does not count, then passes. The figures always are of all simulations.
        with_diffs: Whether the conversations are replayed to show what every turn changed.
        clean: What text goes through; default: control characters and credentials are taken out.
        audio_minutes: How much of the recordings of calls the page holds, in the same order; the
            others are linked.
        folder: Where the page will lie, for links to recordings; None: nothing is linked.
    """
    clean = clean or Cleaner()
    recordings = Recordings(folder, audio_minutes * 60)
    embedded = _embedded(runs, clean, most_conversations, recordings, with_diffs=with_diffs)
    figures = [one.figures for one in runs]
    style = static_text("style.css")
    script = static_text("call.js") + static_text("script.js")
    html = (
        new_environment(clean)
        .get_template("page.html")
        .render(
            heading=figures[0].title if len(runs) == 1 else f"{len(runs)} runs",
            policy=page_policy(style, script, plays=embedded.has_calls),
            style=style,
            script=script,
            runs=[
                run_overview(one.results, one.figures, number) for number, one in enumerate(runs)
            ],
            chart=pass_hat_chart(figures),
            looks=LOOKS,
            most_listed=MOST_LISTED,
            embedded=embedded,
            recordings=recordings,
            index=_index(runs, embedded, clean),
        )
    )
    return Page(
        html,
        len(embedded.packed),
        embedded.left_out,
        len(recordings.packed),
        recordings.linked,
    )


def static_text(name: str) -> Markup:
    """Return the text of a file of ours, which is put into the page as it is."""
    text = files(__package__).joinpath("static", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  -- ours


def page_policy(style: str, script: str | None = None, *, plays: bool = False) -> str:
    """Return a policy that runs our script and style and loads nothing at all.

    With `plays`, the page may play recordings that are in it or that lie where it lies.
    """
    scripts = f"script-src 'sha256-{_sha256(script)}'; " if script is not None else ""
    media = "media-src 'self' file: blob:; " if plays else ""
    return (
        f"default-src 'none'; style-src 'sha256-{_sha256(style)}'; {scripts}{media}"
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def report_policy() -> str:
    """Return the policy of every report, for a server that sends it as a header, too."""
    script = static_text("call.js") + static_text("script.js")
    policy = page_policy(static_text("style.css"), script, plays=True)
    return f"{policy}; frame-ancestors 'none'"


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(
    runs: Sequence[ReportedRun],
    clean: Cleaner,
    most: int,
    recordings: Recordings,
    *,
    with_diffs: bool,
) -> _Embedded:
    """Return the conversations that fit, the most urgent ones first."""
    tasks = [{task.id: task for task in one.results.tasks} for one in runs]
    embedded = _Embedded()
    for number, place in sorted(_places(runs), key=lambda entry: _urgency(runs, *entry)):
        if len(embedded.packed) >= most or embedded.size >= MOST_BYTES:
            embedded.left_out += 1
            continue
        results = runs[number].results
        run = readable(results.simulations[place])
        task = tasks[number].get(run.task_id)
        diffs: Sequence[TurnDiff] = ()
        if with_diffs:
            domain = results.info.environment_info.domain_name
            build = partial(_environment_of, results.info)
            diffs = turn_diffs(run, task, domain, build=build)
        audio = recordings.add(f"a{number}-{place}", run, runs[number].path) if run.ticks else None
        embedded.has_calls |= bool(run.ticks)
        packed = _packed(conversation_data(run, task, diffs, clean, audio))
        embedded.packed[number, place] = packed
        embedded.size += len(packed)
    return embedded


def _environment_of(info: Info, _domain: str) -> Environment:
    return rebuild_environment(info)


def _packed(data: Any) -> Markup:
    """Return JSON data, compressed, in letters that mean nothing to HTML."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    compressor = zlib.compressobj(9, zlib.DEFLATED, 15)
    data = compressor.compress(text) + compressor.flush()
    return Markup(base64.b64encode(data).decode())  # noqa: S704  -- base64 has no markup


def _places(runs: Sequence[ReportedRun]) -> Iterator[tuple[int, int]]:
    for number, reported in enumerate(runs):
        for place in range(len(reported.results.simulations)):
            yield number, place


def _urgency(runs: Sequence[ReportedRun], number: int, place: int) -> tuple[int, int, int]:
    """Return the key that puts failures first, and takes the runs in turn."""
    outcome = outcome_of(runs[number].results.simulations[place])
    if outcome is Outcome.AGENT_FAILURE:
        return 0, place, number
    return (2 if outcome is Outcome.PASSED else 1), place, number


def _index(runs: Sequence[ReportedRun], embedded: _Embedded, clean: Cleaner) -> dict[str, Any]:
    """Return what the script filters by: one short line per simulation."""
    tools: dict[str, int] = {}
    lines = []
    for number, place in _places(runs):
        run = runs[number].results.simulations[place]
        called = set()
        for call in chain.from_iterable(message.calls for message in run.get_messages()):
            called.add(tools.setdefault(clean(call.name, 200), len(tools)))
        reward = None
        if run.is_scored and run.reward_info is not None:
            reward = round(run.reward_info.reward, 4)
        lines.append(
            [
                number,
                place,
                clean(run.task_id, 120),
                run.unit.trial,
                LOOKS[outcome_of(run)].code,
                reward,
                sorted(called),
                int((number, place) in embedded.packed),
            ]
        )
    titles = [clean(one.figures.title, 80) for one in runs]
    return {"tools": list(tools), "runs": titles, "simulations": lines}


def summary_line(page: Page) -> str:
    """Return on one line what a page holds."""
    more = f", {page.left_out:,} more left out" if page.left_out else ""
    if page.num_recordings:
        more += f", {plural(page.num_recordings, 'recording')}"
    if page.num_linked:
        more += f", {plural(page.num_linked, 'recording')} linked, which must stay where they are"
    size = len(page.html.encode())
    is_large = size >= 1e6  # noqa: PLR2004  -- one megabyte
    shown = f"{size / 1e6:.1f} MB" if is_large else f"{size / 1e3:.0f} kB"
    return f"{plural(page.num_conversations, 'conversation')}{more}, {shown}"
