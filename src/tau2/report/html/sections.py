"""The overview of a report: headline, curves, whose failures, money and time, and a grid of tasks and trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tau2.data_model.simulation import SimulationRun
from tau2.metrics.figures import Excluded, Point, RunFigures, Spread
from tau2.metrics.outcomes import Outcome, outcome_of
from tau2.metrics.summary import lost_on, summarize
from tau2.report.html.chart import CODES, SIGNS, outcome_bar, pass_hat_chart, series_class
from tau2.report.html.markup import Cleaner, Html, joined, tag
from tau2.storage.results import Results

MOST_LISTED = 200  # excluded or repeated units that are named

_MEANINGS: Mapping[Outcome, str] = {
    Outcome.PASSED: "full reward",
    Outcome.AGENT_FAILURE: "the only failure that counts against the agent",
    Outcome.USER_FAILURE: "the simulated user broke the conversation; left out",
    Outcome.WORLD_FAULT: "the world cannot be graded, or the task's own reference fails; left out",
    Outcome.INFRASTRUCTURE: "an endpoint, the machine or the judge failed; left out",
}


def table(
    heads: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[int] = ()
) -> Html:
    """Return a table; columns in `numbers` are aligned right."""

    def cells(name: str, row: Sequence[object]) -> list[Html]:
        return [
            tag(name, cell, class_="n" if place in numbers else None)
            for place, cell in enumerate(row)
        ]

    body = [tag("tr", *cells("td", row)) for row in rows]
    whole = tag("table", tag("thead", tag("tr", *cells("th", heads))), tag("tbody", *body))
    return tag("div", whole, class_="scroll")


def plural(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def interval_text(point: Point) -> str:
    """Return an interval, or why there is none; resampling tasks that are all alike knows no spread."""
    if point.interval is not None and point.interval.low == point.interval.high:
        return "all tasks alike"
    return (
        f"{point.interval.low:.3f} … {point.interval.high:.3f}"
        if point.interval
        else "needs two tasks"
    )


def run_section(
    figures: RunFigures, results: Results, number: int, clean: Cleaner, *, alone: bool
) -> Html:
    """Return everything the overview says of one run."""
    return tag(
        "section",
        None if alone else tag("h2", swatch(number), clean(figures.title, 200)),
        tag("p", _about(results, clean), class_="about"),
        _tiles(figures),
        tag("div", _pass_hat(figures, alone=alone), _outcomes(figures), class_="pair"),
        tag("div", _money(figures), _lost(results, clean), class_="pair"),
        _left_out(figures, clean),
        class_="run",
        id=f"run{number}",
    )


def swatch(number: int) -> Html:
    """Return a patch of the colour that a run has in charts."""
    return tag("span", "", class_=f"swatch {series_class(number)}")


def _about(results: Results, clean: Cleaner) -> str:
    summary = summarize(results)
    parts = [
        f"{summary.domain}: {summary.agent} × {summary.user}",
        plural(summary.num_trials, "trial") + " per task",
        f"seed {summary.seed}",
    ]
    parts += [f"judge {summary.judge}"] if summary.judge else []
    parts += (
        [f"commit {results.info.git_commit[:12]}"] if results.info.git_commit != "unknown" else []
    )
    parts += [(results.timestamp or "")[:16].replace("T", " ")]
    return clean(" · ".join(part for part in parts if part), 1000)


def _tiles(figures: RunFigures) -> Html:
    reward = "none" if figures.average_reward is None else f"{figures.average_reward:.3f}"
    over = f"over {figures.num_counted:,} of {plural(figures.num_simulations, 'simulation')}"
    tiles = [("average reward", reward, over)]
    ends = figures.pass_hat[:1] + figures.pass_hat[1:][-1:]
    tiles += [(f"pass^{point.k}", f"{point.value:.3f}", interval_text(point)) for point in ends]
    cost = figures.agent_expense
    if cost.model_calls:
        price = "unknown" if cost.cost is None else f"${cost.cost:,.2f}"
        each = (
            f"${figures.cost_per_pass:,.4f} per pass, both sides"
            if figures.cost_per_pass is not None
            else ""
        )
        tiles.append(("agent cost", price, each))
    if figures.duration is not None:
        tiles.append(
            (
                "median duration",
                _seconds(figures.duration.median),
                f"p90 {_seconds(figures.duration.p90)}",
            )
        )
    return tag("dl", *(_tile(*tile) for tile in tiles), class_="tiles")


def _tile(name: str, value: str, note: str) -> Html:
    return tag("div", tag("dt", name), tag("dd", value), tag("dd", note, class_="note"))


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def _pass_hat(figures: RunFigures, *, alone: bool) -> Html:
    share = f"{100 * figures.confidence:g}% interval"
    rows = [
        (f"pass^{p.k}", f"{p.value:.3f}", interval_text(p), p.num_tasks) for p in figures.pass_hat
    ]
    return tag(
        "div",
        tag("h3", "pass^k"),
        pass_hat_chart([figures]) if alone else None,
        table(("", "value", share, "tasks"), rows, numbers=(1, 2, 3))
        if rows
        else tag("p", "Nothing counts yet."),
        tag("p", _denominator(figures), class_="note"),
        *(tag("p", line, class_="warn") for line in _warnings(figures)),
    )


def _denominator(figures: RunFigures) -> str:
    return (
        "pass^k is the share of tasks of which k trials, drawn from those played, all pass: C(passed, k) / C(played, "
        f"k), averaged over {plural(figures.num_tasks, 'task')}. {figures.num_counted:,} of "
        f"{plural(figures.num_simulations, 'simulation')} count. Intervals: cluster bootstrap over tasks."
    )


def _warnings(figures: RunFigures) -> Iterator[str]:
    if figures.missing:
        yield f"Not played yet: {plural(figures.missing, 'simulation')}. The figures are of a part of the run."
    if figures.outcomes[Outcome.WORLD_FAULT] and figures.public_pass_1 is not None:
        yield (
            "Counting faults of the environment or the reference as failures of the agent, as the public package "
            f"does, pass^1 is {figures.public_pass_1:.3f}."
        )


def _outcomes(figures: RunFigures) -> Html:
    total = max(1, figures.num_simulations)
    rows = [
        (tag("span", SIGNS[outcome], class_=f"cell {CODES[outcome]}"), outcome.value, number,
         f"{100 * number / total:.1f}%", _MEANINGS[outcome])
        for outcome, number in figures.outcomes.items()
    ]  # fmt: skip
    endings = ", ".join(f"{name} {number}" for name, number in figures.endings.items())
    return tag(
        "div",
        tag("h3", "Outcomes"),
        outcome_bar(figures.outcomes),
        table(("", "outcome", "number", "share", "meaning"), rows, numbers=(2, 3)),
        tag("p", f"Conversations ended: {endings or 'none'}.", class_="note"),
    )


def _money(figures: RunFigures) -> Html:
    money = [("agent", str(figures.agent_expense)), ("user", str(figures.user_expense))]
    if figures.cost_per_pass is not None:
        money.append(("per passed simulation", f"${figures.cost_per_pass:.4f}, both sides"))
    return tag(
        "div",
        tag("h3", "Cost and time"),
        table(("", "cost"), money),
        table(
            ("", "mean", "median", "p90", "largest"), list(_spreads(figures)), numbers=(1, 2, 3, 4)
        ),
    )


def _spreads(figures: RunFigures) -> Iterator[Sequence[str]]:
    for name, spread in (
        ("a simulation", figures.duration),
        ("an answer of the agent", figures.answer_time),
    ):
        if spread is not None:
            yield name, *map(_seconds, _four(spread))
    if figures.messages is not None:
        yield "messages", *(f"{value:.0f}" for value in _four(figures.messages))


def _four(spread: Spread) -> tuple[float, float, float, float]:
    return spread.mean, spread.median, spread.p90, spread.largest


def _lost(results: Results, clean: Cleaner) -> Html:
    failures = [run for run in results.simulations if outcome_of(run) is Outcome.AGENT_FAILURE]
    causes = Counter(cause for run in failures for cause in lost_on(run))
    rows = [(clean(cause, 100), number) for cause, number in causes.most_common()]
    lost = (
        table(("lost on", "simulations"), rows, numbers=(1,))
        if rows
        else tag("p", "Nothing was lost.")
    )
    return tag("div", tag("h3", "Where the agent lost reward"), lost)


def _left_out(figures: RunFigures, clean: Cleaner) -> Html:
    excluded = [_excluded_row(entry, clean) for entry in figures.excluded[:MOST_LISTED]]
    reruns = [
        (clean(one.task_id, 200), one.trial, one.attempts, clean(one.reason, 300))
        for one in figures.reruns[:MOST_LISTED]
    ]
    parts = []
    if excluded:
        parts.append(
            _folded(f"{plural(len(figures.excluded), 'simulation')} left out of every average", len(figures.excluded),
                    table(("task", "trial", "outcome", "why"), excluded, numbers=(1,)))
        )  # fmt: skip
    if reruns:
        parts.append(
            _folded(f"{plural(len(figures.reruns), 'unit')} played more than once", len(figures.reruns),
                    table(("task", "trial", "attempts", "why"), reruns, numbers=(1, 2)))
        )  # fmt: skip
    return joined(parts)


def _excluded_row(entry: Excluded, clean: Cleaner) -> Sequence[object]:
    return clean(entry.task_id, 200), entry.trial, entry.outcome.value, clean(entry.reason, 300)


def _folded(title: str, number: int, content: Html) -> Html:
    more = tag("p", f"… and {number - MOST_LISTED:,} more") if number > MOST_LISTED else None
    return tag("details", tag("summary", title), content, more, class_="left-out")


def grid(results: Results, number: int, clean: Cleaner) -> Html:
    """Return one row per task and one cell per trial; a cell leads to its conversation."""
    by_task: dict[str, list[tuple[int, SimulationRun]]] = {}
    for place, run in enumerate(results.simulations):
        by_task.setdefault(run.task_id, []).append((place, run))
    order = {task.id: place for place, task in enumerate(results.tasks)}
    rows = [
        _row(name, by_task[name], number, clean)
        for name in sorted(by_task, key=lambda name: order.get(name, len(order)))
    ]
    heads = tag(
        "tr",
        tag("th", "task"),
        tag("th", "trials"),
        tag("th", "passed", class_="n"),
        tag("th", "lost on"),
    )
    whole = tag("table", tag("thead", heads), tag("tbody", *rows), class_="grid")
    return tag("div", whole, class_="scroll")


def _row(name: str, runs: Sequence[tuple[int, SimulationRun]], number: int, clean: Cleaner) -> Html:
    runs = sorted(runs, key=lambda entry: entry[1].trial or 0)
    outcomes = [outcome_of(run) for _, run in runs]
    counting = [outcome for outcome in outcomes if outcome.counts]
    failed = [
        run
        for (_, run), outcome in zip(runs, outcomes, strict=True)
        if outcome is Outcome.AGENT_FAILURE
    ]
    lost = dict.fromkeys(cause for run in failed for cause in lost_on(run))
    return tag(
        "tr",
        tag("th", clean(name, 120), scope="row"),
        tag("td", *(_cell(place, run, number) for place, run in runs), class_="cells"),
        tag("td", f"{counting.count(Outcome.PASSED)}/{len(counting)}", class_="n"),
        tag("td", clean(", ".join(lost), 200)),
    )


def _cell(place: int, run: SimulationRun, number: int) -> Html:
    outcome = outcome_of(run)
    said = f"trial {run.trial or 0}: {outcome.value}, {run.termination_reason.value}"
    return tag(
        "a",
        SIGNS[outcome],
        href=f"#c{number}-{place}",
        class_=f"cell {CODES[outcome]}",
        title=said,
        aria_label=said,
    )
