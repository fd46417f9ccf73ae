"""A report as one HTML file that loads nothing from elsewhere.

Conversations are kept compressed, each by itself, and drawn by the page's script when opened.
"""

from __future__ import annotations

import base64
import hashlib
import json
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from jinja2.environment import TemplateStream
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
from tau2.storage.files import write_pieces_atomically
from tau2.storage.results import Results
from tau2.utils.text import plural

DEFAULT_CONVERSATIONS = 1_000
MOST_BYTES = 96 * 1024 * 1024
"""Of all compressed conversations in a page; a browser opens about that much without delay."""
MOST_LISTED = 200  # excluded or repeated units that are named
_IN_MEMORY = 1 << 24  # bytes of conversations before they are put into a file
_NODES_AT_ONCE = 500  # of a template, in one piece
_URGENCY = {Outcome.AGENT_FAILURE: 0, Outcome.PASSED: 2}
"""Which conversations are taken in first; the others come between."""


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """A run and its figures."""

    results: Results
    figures: RunFigures
    path: Path | None = None
    """Where it is stored: recordings of calls lie beside it."""


@dataclass(frozen=True)
class Page:
    """A report that was made. It is put together piece by piece, when it is written."""

    num_conversations: int
    """Conversations that are in it."""
    left_out: int
    """Conversations that are not, because of a limit."""
    num_recordings: int
    """Recordings of calls that are in it."""
    num_linked: int
    """Recordings that lie beside it, and play only while they do."""
    render: Callable[[], TemplateStream]
    """Returns the pieces of its text."""

    def pieces(self) -> Iterator[str]:
        """Yield its text in pieces of some kilobytes."""
        stream = self.render()
        stream.enable_buffering(_NODES_AT_ONCE)
        yield from stream

    @property
    def html(self) -> str:
        """Its text as a whole."""
        return "".join(self.pieces())

    def write(self, file: Path) -> int:
        """Write it atomically, and return its size in bytes."""
        write_pieces_atomically(file, (piece.encode() for piece in self.pieces()))
        return file.stat().st_size


class _Embedded:
    """The conversations in the page: JSON data, compressed, in a file until they are written."""

    def __init__(self) -> None:
        self.packed: dict[tuple[int, int], int] = {}
        """The number of the run and the place in it → bytes."""
        self.size = 0
        self.left_out = 0
        self.has_calls = False
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  -- closed by the finalizer
        weakref.finalize(self, self._file.close)

    def add(self, number: int, place: int, content: bytes) -> None:
        """Take in a conversation."""
        self._file.write(content)
        self.packed[number, place] = len(content)
        self.size += len(content)

    def items(self) -> Iterator[tuple[str, Markup]]:
        """Yield each conversation with the id of its element, in the order they were added."""
        self._file.seek(0)
        for (number, place), size in self.packed.items():
            text = self._file.read(size).decode("ascii")
            yield f"d{number}-{place}", Markup(text)  # noqa: S704  -- base64 has no markup


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

    Conversations are read one after another, and none is kept in memory.

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
    render = partial(
        new_environment(clean).get_template("page.html").stream,
        heading=figures[0].title if len(runs) == 1 else f"{len(runs)} runs",
        policy=page_policy(style, script, plays=embedded.has_calls),
        style=style,
        script=script,
        runs=[run_overview(one.results, one.figures, number) for number, one in enumerate(runs)],
        chart=pass_hat_chart(figures),
        looks=LOOKS,
        most_listed=MOST_LISTED,
        embedded=embedded,
        recordings=recordings,
        index=_index(runs, embedded, clean),
    )
    return Page(
        len(embedded.packed),
        embedded.left_out,
        len(recordings.packed),
        recordings.linked,
        render,
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
    for number, place in _by_urgency(runs):
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
        embedded.add(number, place, _packed(conversation_data(run, task, diffs, clean, audio)))
    return embedded


def _environment_of(info: Info, _domain: str) -> Environment:
    return rebuild_environment(info)


def _packed(data: Any) -> bytes:
    """Return JSON data, compressed, in letters that mean nothing to HTML."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    compressor = zlib.compressobj(9, zlib.DEFLATED, 15)
    data = compressor.compress(text) + compressor.flush()
    return base64.b64encode(data)


def _by_urgency(runs: Sequence[ReportedRun]) -> list[tuple[int, int]]:
    """Return number and place of every simulation: failures first, and the runs in turn."""
    ranked = [
        (_URGENCY.get(outcome_of(run), 1), place, number)
        for number, reported in enumerate(runs)
        for place, run in enumerate(reported.results.outlines())
    ]
    return [(number, place) for _urgency, place, number in sorted(ranked)]


def _index(runs: Sequence[ReportedRun], embedded: _Embedded, clean: Cleaner) -> dict[str, Any]:
    """Return what the script filters by: one short line per simulation."""
    tools: dict[str, int] = {}
    lines = []
    shown = lru_cache(maxsize=1000)(clean)  # names recur in every simulation
    for number, reported in enumerate(runs):
        for place, run in enumerate(reported.results.outlines()):
            called = {tools.setdefault(shown(name, 200), len(tools)) for name in run.facts.tools}
            reward = run.reward if run.is_scored else None
            lines.append(
                [
                    number,
                    place,
                    shown(run.task_id, 120),
                    run.unit.trial,
                    LOOKS[outcome_of(run)].code,
                    None if reward is None else round(reward, 4),
                    sorted(called),
                    int((number, place) in embedded.packed),
                ]
            )
    titles = [clean(one.figures.title, 80) for one in runs]
    return {"tools": list(tools), "runs": titles, "simulations": lines}


def summary_line(page: Page, size: int | None = None) -> str:
    """Return on one line what a page holds; `size` are its bytes, where they are known."""
    more = f", {page.left_out:,} more left out" if page.left_out else ""
    if page.num_recordings:
        more += f", {plural(page.num_recordings, 'recording')}"
    if page.num_linked:
        more += f", {plural(page.num_linked, 'recording')} linked, which must stay where they are"
    if size is None:
        size = len(page.html.encode())
    is_large = size >= 1e6  # noqa: PLR2004  -- one megabyte
    shown = f"{size / 1e6:.1f} MB" if is_large else f"{size / 1e3:.0f} kB"
    return f"{plural(page.num_conversations, 'conversation')}{more}, {shown}"
