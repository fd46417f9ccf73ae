"""A report as one HTML file: nothing in it is loaded from elsewhere, and nothing a model said is markup.

Conversations are kept compressed, each by itself, and drawn by the page's script when they are opened.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.data_model.simulation import SimulationRun
from tau2.environment.diff import TurnDiff, turn_diffs
from tau2.metrics.figures import RunFigures
from tau2.metrics.outcomes import Outcome, outcome_of
from tau2.report.html.chart import CODES, pass_hat_chart
from tau2.report.html.conversation import conversation_data
from tau2.report.html.markup import Cleaner, Html, joined, tag
from tau2.report.html.sections import grid, interval_text, plural, run_section, swatch, table
from tau2.runner.build import build_environment
from tau2.storage.results import Results

DEFAULT_CONVERSATIONS = 1_000
MOST_BYTES = 96 * 1024 * 1024
"""Of all conversations in a page, compressed; a browser opens that, and not much more, without delay."""


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """A run and its figures."""

    results: Results
    figures: RunFigures


@dataclass(frozen=True, slots=True)
class Page:
    """A report that was made."""

    html: str
    num_conversations: int
    """Conversations that are in it."""
    left_out: int
    """Conversations that are not, because of a limit."""


@dataclass(slots=True)
class _Book:
    """The conversations that fit."""

    clean: Cleaner
    with_diffs: bool
    most: int
    blocks: list[Html] = field(default_factory=list)
    kept: set[tuple[int, int]] = field(default_factory=set)
    size: int = 0
    left_out: int = 0

    def add(self, number: int, place: int, reported: ReportedRun, tasks: dict[str, Any]) -> None:
        """Take a conversation in, unless a limit is reached."""
        if len(self.kept) >= self.most or self.size >= MOST_BYTES:
            self.left_out += 1
            return
        results = reported.results
        run = results.simulations[place]
        domain = results.info.environment_info.domain_name
        task = tasks.get(run.task_id)
        diffs: Sequence[TurnDiff] = (
            turn_diffs(run, task, domain, build=build_environment) if self.with_diffs else ()
        )
        packed = packed_text(conversation_data(run, task, diffs, self.clean))
        self.blocks.append(tag("script", Html(packed), type="text/plain", id=f"d{number}-{place}"))
        self.kept.add((number, place))
        self.size += len(packed)


def packed_text(data: Any) -> str:
    """Return JSON data, compressed, in letters that mean nothing to HTML."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    packer = zlib.compressobj(9, zlib.DEFLATED, 15)
    return base64.b64encode(packer.compress(text) + packer.flush()).decode()


def report_page(
    runs: Sequence[ReportedRun],
    *,
    most_conversations: int = DEFAULT_CONVERSATIONS,
    with_diffs: bool = True,
    clean: Cleaner | None = None,
) -> Page:
    """Return a report of runs as one HTML page; the same runs give the same page.

    Args:
        runs: The runs, in the order they are shown.
        most_conversations: How many conversations the page holds: failures of the agent first, then what does not
            count, then passes. The figures always are of all simulations.
        with_diffs: Whether the conversations are played again to tell what every turn changed.
        clean: What text goes through; default: control characters and credentials are taken out.
    """
    clean = clean or Cleaner()
    book = _book(runs, _Book(clean, with_diffs, most_conversations))
    style, script = _asset("style.css"), _asset("script.js")
    body = [
        tag("header", tag("h1", _heading(runs, clean)), _tabs(runs, clean)),
        tag("main", *_overview(runs, book, clean), id="overview", tabindex="-1"),
        tag("main", id="conversation", hidden=True, tabindex="-1"),
        tag("dialog", *_help(), id="help"),
        tag(
            "script",
            Html(_inert(json.dumps(_index(runs, book, clean)))),
            type="application/json",
            id="index",
        ),
        *book.blocks,
        tag("script", Html(script)),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", _heading(runs, clean)),
        tag("style", Html(style)),
    ]
    html = f"<!doctype html>\n{tag('html', tag('head', *head), tag('body', *body), lang='en')}\n"
    return Page(html, len(book.kept), book.left_out)


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return a policy that runs our script and style and loads nothing at all."""
    return (
        f"default-src 'none'; style-src 'sha256-{_sha256(style)}'; script-src 'sha256-{_sha256(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inert(text: str) -> str:
    """Return JSON in which nothing can end the script element that holds it."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _book(runs: Sequence[ReportedRun], book: _Book) -> _Book:
    tasks = [{task.id: task for task in reported.results.tasks} for reported in runs]
    for number, place in sorted(_places(runs), key=lambda entry: _urgency(runs, *entry)):
        book.add(number, place, runs[number], tasks[number])
    return book


def _places(runs: Sequence[ReportedRun]) -> Iterator[tuple[int, int]]:
    for number, reported in enumerate(runs):
        for place in range(len(reported.results.simulations)):
            yield number, place


def _urgency(runs: Sequence[ReportedRun], number: int, place: int) -> tuple[int, int, int]:
    """Return the key that puts failures first, and takes the runs in turn."""
    outcome = outcome_of(runs[number].results.simulations[place])
    rank = 0 if outcome is Outcome.AGENT_FAILURE else 2 if outcome is Outcome.PASSED else 1
    return rank, place, number


def _heading(runs: Sequence[ReportedRun], clean: Cleaner) -> str:
    return clean(runs[0].figures.title, 200) if len(runs) == 1 else f"{len(runs)} runs"


def _tabs(runs: Sequence[ReportedRun], clean: Cleaner) -> Html | None:
    if len(runs) == 1:
        return None
    links = [
        tag("a", swatch(number), clean(one.figures.title, 80), href=f"#run{number}")
        for number, one in enumerate(runs)
    ]
    return tag("nav", *links, aria_label="runs")


def _overview(runs: Sequence[ReportedRun], book: _Book, clean: Cleaner) -> Iterator[Html]:
    if len(runs) > 1:
        yield _together(runs, clean)
    if book.left_out:
        shown, everything = len(book.kept), len(book.kept) + book.left_out
        yield tag(
            "p", f"This page holds {shown:,} of {everything:,} conversations, failures first. All figures are of all "
            "simulations; --max-conversations takes more in.", class_="warn",
        )  # fmt: skip
    alone = len(runs) == 1
    for number, one in enumerate(runs):
        yield run_section(one.figures, one.results, number, clean, alone=alone)
    grids = []
    for number, one in enumerate(runs):
        title = None if alone else tag("h3", swatch(number), clean(one.figures.title, 200))
        grids += [title, grid(one.results, number, clean)]
    yield tag("section", tag("h2", "Tasks and trials"), _filters(), *grids, id="grids")


def _together(runs: Sequence[ReportedRun], clean: Cleaner) -> Html:
    rows = []
    for number, one in enumerate(runs):
        figures, first = one.figures, one.figures.pass_hat[:1]
        name = joined([swatch(number), clean(figures.title, 80)])
        value, interval = (
            (f"{first[0].value:.3f}", interval_text(first[0])) if first else ("none", "")
        )
        counts = f"{figures.num_counted:,} of {figures.num_simulations:,}"
        rows.append((name, clean(figures.domain, 60), value, interval, counts, figures.num_tasks))
    heads = ("run", "domain", "pass^1", "interval", "simulations that count", "tasks")
    return tag(
        "section", tag("h2", "Side by side"), pass_hat_chart([one.figures for one in runs]),
        table(heads, rows, numbers=(2, 3, 4, 5)),
        tag("p", "tau2 compare tells how sure a difference between two runs is.", class_="note"),
    )  # fmt: skip


def _filters() -> Html:
    outcomes = [tag("option", outcome.value, value=CODES[outcome]) for outcome in Outcome]
    rewards = [
        ("full", "full reward"),
        ("part", "part of it"),
        ("zero", "zero"),
        ("none", "no reward"),
    ]
    return tag(
        "form",
        tag("label", "task ", tag("input", type="search", id="f-task", placeholder="part of its id")),
        tag("label", "outcome ", tag("select", tag("option", "any", value=""), *outcomes, id="f-outcome")),
        tag("label", "reward ",
            tag("select", tag("option", "any", value=""), *(tag("option", t, value=v) for v, t in rewards),
                id="f-reward")),
        tag("label", "tool ", tag("select", tag("option", "any", value=""), id="f-tool")),
        tag("button", "clear", type="reset"),
        tag("output", id="f-count"),
        tag("noscript", "Filters and conversations need JavaScript; the figures do not."),
        id="filters", class_="filters",
    )  # fmt: skip


def _help() -> Iterator[Html]:
    keys = [
        ("j, →", "next simulation that fits the filter"), ("k, ←", "the one before"),
        ("e", "unfold or fold every tool call"), ("u, Esc", "back to the overview"),
        ("/", "filter by task"), ("?", "these keys"),
    ]  # fmt: skip
    yield tag("h2", "Keys")
    yield table(("key", "what it does"), [(tag("kbd", key), what) for key, what in keys])
    yield tag("form", tag("button", "close"), method="dialog")


def _index(runs: Sequence[ReportedRun], book: _Book, clean: Cleaner) -> dict[str, Any]:
    """Return what the script filters by: one short line per simulation."""
    tools: dict[str, int] = {}
    lines = []
    for number, place in _places(runs):
        run = runs[number].results.simulations[place]
        called = sorted({tools.setdefault(clean(name, 200), len(tools)) for name in _tools_of(run)})
        reward = round(run.reward_info.reward, 4) if run.is_scored and run.reward_info else None
        kept = int((number, place) in book.kept)
        lines.append([number, place, clean(run.task_id, 120), run.trial or 0, CODES[outcome_of(run)], reward, called,
                      kept])  # fmt: skip
    return {
        "tools": list(tools),
        "runs": [clean(one.figures.title, 80) for one in runs],
        "simulations": lines,
    }


def _tools_of(run: SimulationRun) -> Iterator[str]:
    for message in run.get_messages():
        if isinstance(message, AssistantMessage | UserMessage):
            yield from (call.name for call in message.tool_calls or ())


def summary_line(page: Page) -> str:
    """Return on one line what a page holds."""
    more = f", {plural(page.left_out, 'more')} left out" if page.left_out else ""
    return f"{plural(page.num_conversations, 'conversation')}{more}, {len(page.html.encode()) / 1e6:.1f} MB"
