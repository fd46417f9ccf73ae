"""The pages as HTML without scripts. Whatever comes from data, tools or a form is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from urllib.parse import quote, urlencode

from tau2.data_model.message import ToolMessage
from tau2.data_model.tasks import Action, Task
from tau2.environment.diff import FieldChange, Missing, RecordChange
from tau2.environment.tool import Tool
from tau2.report.terminal.domain_page import signature
from tau2.service.catalog import SIDES, DomainDocs
from tau2.service.forms import PREFIX, Field, fields_of
from tau2.service.markdown import as_html

TASKS_PER_PAGE = 50
_MOST_TEXT = 200_000  # characters of one tool result on a page
_PARTS = (("", "policy"), ("tools", "tools"), ("tasks", "tasks"))
_SIGNS = {"added": "+", "removed": "−", "changed": "~"}


class Pages:
    """Makes pages below one base path, which holds the token."""

    def __init__(self, base: str, names: Sequence[str]) -> None:
        """Link everything below `base`, which begins and ends with a slash."""
        self.base, self.names = base, list(names)

    def link(self, *parts: str, **query: str) -> str:
        """Return the escaped address of a page."""
        path = self.base + "/".join(quote(part, safe="") for part in parts)
        return escape(path + (f"?{urlencode(query)}" if query else ""))

    def _page(self, title: str, body: str, docs: DomainDocs | None = None, part: str = "") -> str:
        names = "".join(
            self._tab(name, name == getattr(docs, "name", None), name) for name in self.names
        )
        parts = ""
        if docs is not None:
            tabs = "".join(
                self._tab(text, text == part, docs.name, *([path] if path else []))
                for path, text in _PARTS
            )
            parts = f'<nav class="parts">{tabs}</nav>'
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(title)} · tau2</title><link rel="stylesheet" href="{self.link("style.css")}"></head>'
            f'<body><header><a class="home" href="{self.link()}">τ²</a><nav>{names}</nav></header>'
            f"<main>{parts}{body}</main></body></html>\n"
        )

    def _tab(self, text: str, here: bool, *path: str) -> str:
        current = ' aria-current="page"' if here else ""
        return f'<a href="{self.link(*path)}"{current}>{escape(text)}</a>'

    # --- what there is ----------------------------------------------------------------------------------------------

    def index(self, all_docs: Iterable[DomainDocs]) -> str:
        """Return the page of all domains."""
        return self._page(
            "domains",
            f'<h1>Domains</h1><div class="cards">{"".join(map(self._card, all_docs))}</div>',
        )

    def _card(self, docs: DomainDocs) -> str:
        numbers = f"{len(docs.tools('agent'))} tools" + (
            f", {len(docs.tools('user'))} more of the user" if docs.tools("user") else ""
        )
        return (
            f'<a class="card" href="{self.link(docs.name)}"><b>{escape(docs.name)}</b>'
            f"<span>{escape(docs.about)}</span><small>{numbers}</small></a>"
        )

    def policy(self, docs: DomainDocs) -> str:
        """Return the page of a domain's policy."""
        text = docs.environment.get_policy()
        head = f"<h1>{escape(docs.name)}</h1><p class='about'>{escape(docs.about)} · {len(text.split()):,} words</p>"
        return self._page(docs.name, f"{head}<article>{as_html(text)}</article>", docs, "policy")

    def tools(self, docs: DomainDocs) -> str:
        """Return the page of all tools of a domain."""
        sections = [
            f"<h2>Tools of the {side} <small>{len(docs.tools(side))}</small></h2>{self._tool_table(docs, side)}"
            for side in SIDES
            if docs.tools(side)
        ]
        return self._page(
            f"{docs.name} tools",
            f"<h1>{escape(docs.name)}: tools</h1>{''.join(sections)}",
            docs,
            "tools",
        )

    def _tool_table(self, docs: DomainDocs, side: str) -> str:
        rows = "".join(
            f'<tr><td><a href="{self.link(docs.name, "tools", side, name)}"><code>{escape(name)}</code></a></td>'
            f"<td>{_badge(docs.kind(side, name))}</td><td>{escape(tool.short_desc)}</td></tr>"
            for name, tool in docs.tools(side).items()
        )
        return f"<table><thead><tr><th>tool</th><th>kind</th><th>what it does</th></tr></thead>{rows}</table>"

    def tool(
        self,
        docs: DomainDocs,
        side: str,
        tool: Tool,
        filled: Mapping[str, str] | None = None,
        outcome: str = "",
    ) -> str:
        """Return the page of one tool: description, schema, examples, and a form to try it out."""
        schema = json.dumps(tool.openai_schema, indent=2, ensure_ascii=False)
        examples = "".join(f"<pre>{escape(text)}</pre>" for text in tool.examples)
        examples += "".join(
            self._example(docs, side, action) for action in docs.examples(side, tool.name)
        )
        body = (
            f"<h1><code>{escape(tool.name)}</code> {_badge(docs.kind(side, tool.name))}</h1>"
            f"<p class='signature'><code>{escape(signature(tool))}</code></p>"
            f"<article>{as_html(tool.description)}</article>"
            + (f"<h2>Examples</h2>{examples}" if examples else "")
            + f"<h2>Try it out</h2>{self._world(docs, tool.name, side)}{self._form(docs, side, tool, filled or {})}"
            + outcome
            + f"<details><summary>schema</summary><pre>{escape(schema)}</pre></details>"
        )
        return self._page(f"{docs.name} {tool.name}", body, docs, "tools")

    def _example(self, docs: DomainDocs, side: str, action: Action) -> str:
        """Return a call that a task's reference makes; following it fills the form."""
        values = {PREFIX + name: _filled(value) for name, value in action.arguments.items()}
        link = self.link(docs.name, "tools", side, action.name, **values)
        return f'<p><a href="{link}"><code>{escape(action.get_func_format())}</code></a></p>'

    def _world(self, docs: DomainDocs, tool: str, side: str) -> str:
        """Return which scratch world is used, and how to begin it anew."""
        task = docs.scratch_task
        whose = (
            f"as task {escape(task)} begins"
            if task is not None
            else "as the domain's files have it"
        )
        back = f'<input type="hidden" name="side" value="{escape(side)}"><input type="hidden" name="tool" value="{escape(tool)}">'
        return (
            f'<form class="world" method="post" action="{self.link(docs.name, "restart")}">{back}'
            f"<span>A scratch world, {whose}; calls change nothing else.</span>"
            "<button>start again</button></form>"
        )

    def _form(self, docs: DomainDocs, side: str, tool: Tool, filled: Mapping[str, str]) -> str:
        inputs = "".join(
            _input(field, filled.get(PREFIX + field.name, "")) for field in fields_of(tool)
        )
        action = self.link(docs.name, "tools", side, tool.name)
        return f'<form class="call" method="post" action="{action}">{inputs}<button class="go">call</button></form>'

    # --- tasks ------------------------------------------------------------------------------------------------------

    def tasks(self, docs: DomainDocs, wanted: str, split: str, number: int) -> str:
        """Return one page of the tasks that hold a text and are in a split."""
        found = [task for task in docs.tasks.values() if _fits(docs, task, wanted, split)]
        pages = max(1, -(-len(found) // TASKS_PER_PAGE))
        number = max(1, min(number, pages))
        rows = "".join(
            self._task_row(docs, task)
            for task in found[(number - 1) * TASKS_PER_PAGE :][:TASKS_PER_PAGE]
        )
        body = (
            f"<h1>{escape(docs.name)}: tasks <small>{len(found):,} of {len(docs.tasks):,}</small></h1>"
            f"{self._search(docs, wanted, split)}"
            "<table><thead><tr><th>task</th><th>graded on</th><th>actions</th><th>purpose</th></tr></thead>"
            f"{rows}</table>{self._pager(docs, wanted, split, number, pages)}"
        )
        return self._page(f"{docs.name} tasks", body, docs, "tasks")

    def _search(self, docs: DomainDocs, wanted: str, split: str) -> str:
        options = "".join(
            f'<option value="{escape(name)}"{" selected" if name == split else ""}>'
            f"{escape(name or 'every split')}{f' ({len(docs.splits[name])})' if name else ''}</option>"
            for name in ("", *docs.splits)
        )
        return (
            f'<form class="search" method="get" action="{self.link(docs.name, "tasks")}">'
            f'<input name="q" value="{escape(wanted)}" placeholder="search" aria-label="search">'
            f'<select name="split" aria-label="split">{options}</select><button>find</button></form>'
        )

    def _task_row(self, docs: DomainDocs, task: Task) -> str:
        criteria = task.evaluation_criteria
        basis = ", ".join(part.value for part in criteria.reward_basis) if criteria else ""
        purpose = (task.description.purpose if task.description else None) or ""
        return (
            f'<tr><td class="id"><a href="{self.link(docs.name, "tasks", task.id)}">{escape(task.id)}</a></td>'
            f"<td>{escape(basis)}</td><td>{len(criteria.actions or ()) if criteria else 0}</td>"
            f"<td>{escape(purpose)}</td></tr>"
        )

    def _pager(self, docs: DomainDocs, wanted: str, split: str, number: int, pages: int) -> str:
        if pages == 1:
            return ""
        links = [
            f'<a href="{self.link(docs.name, "tasks", q=wanted, split=split, page=str(to))}">{text}</a>'
            for text, to in (("← before", number - 1), ("next →", number + 1))
            if 1 <= to <= pages
        ]
        return f'<p class="pager">{" ".join(links)} page {number} of {pages}</p>'

    def task(self, docs: DomainDocs, task: Task) -> str:
        """Return the page of one task: what the customer wants, and what is graded."""
        purpose = (task.description.purpose if task.description else None) or ""
        splits = ", ".join(name for name, ids in docs.splits.items() if task.id in ids)
        whole = json.dumps(
            task.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False
        )
        body = (
            f'<h1 class="id">{escape(task.id)}</h1><p class="about">{escape(purpose)}'
            + (f" · splits: {escape(splits)}" if splits else "")
            + f"</p><h2>The customer</h2><pre>{escape(str(task.user_scenario))}</pre>{_criteria(task)}"
            + f'<form class="world" method="post" action="{self.link(docs.name, "restart")}">'
            + f'<input type="hidden" name="task" value="{escape(task.id)}">'
            + "<span>Try the tools in the world as this task begins.</span><button>start there</button></form>"
            + f"<details><summary>as JSON</summary><pre>{escape(whole)}</pre></details>"
        )
        return self._page(f"{docs.name} {task.id}", body, docs, "tasks")

    def problem(self, title: str, text: str) -> str:
        """Return a page that says what went wrong."""
        return self._page(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>")


def _filled(value: object) -> str:
    """Return a value as it would be typed into a form."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _fits(docs: DomainDocs, task: Task, wanted: str, split: str) -> bool:
    if split and task.id not in docs.splits.get(split, ()):
        return False
    purpose = task.description.purpose if task.description else ""
    return not wanted or wanted.casefold() in f"{task.id} {purpose} {task.user_scenario}".casefold()


def _criteria(task: Task) -> str:
    criteria = task.evaluation_criteria
    if criteria is None:
        return ""
    lists = (
        (
            "Reference actions",
            [
                f"{action.requestor}: {action.get_func_format()}"
                for action in criteria.actions or ()
            ],
        ),
        ("To communicate", criteria.communicate_info or []),
        ("Statements for the judge", criteria.nl_assertions or []),
        (
            "Assertions about the world",
            [str(one.func_name) for one in criteria.env_assertions or ()],
        ),
    )
    parts = [
        f"<h2>{title}</h2><ul>{''.join(f'<li><code>{escape(item)}</code></li>' for item in items)}</ul>"
        for title, items in lists
        if items
    ]
    return (
        "".join(parts)
        + f"<p>graded on: {escape(', '.join(part.value for part in criteria.reward_basis))}</p>"
    )


def _badge(kind: str) -> str:
    return f'<span class="badge {escape(kind)}">{escape(kind)}</span>'


def _input(field: Field, value: str) -> str:
    name, shown = escape(PREFIX + field.name), escape(value)
    need = " required" if field.required and field.kind != "text" else ""
    if field.kind in {"choice", "boolean"}:
        values = field.choices or ("true", "false")
        chosen = "".join(
            f'<option value="{escape(one)}"{" selected" if one == value else ""}>{escape(one)}</option>'
            for one in (values if field.required else ("", *values))
        )
        control = f'<select id="{name}" name="{name}"{need}>{chosen}</select>'
    elif field.kind == "json":
        hint = escape(field.default or "JSON")
        control = f'<textarea id="{name}" name="{name}" rows="3" placeholder="{hint}"{need}>{shown}</textarea>'
    else:
        hint = escape(field.default)
        control = f'<input id="{name}" name="{name}" value="{shown}" placeholder="{hint}" autocomplete="off"{need}>'
    optional = "" if field.required else " <small>may be left out</small>"
    return (
        f'<label for="{name}"><b>{escape(field.name)}</b>{optional}'
        f"<span>{escape(field.description)}</span></label>{control}"
    )


def outcome_view(result: ToolMessage, changes: Sequence[RecordChange]) -> str:
    """Return what a call answered, and what it changed."""
    text = result.content or ""
    if text[:1] in "{[":
        try:
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            text = result.content or ""
    title, style = ("Error", "error") if result.error else ("Answer", "answer")
    rows = "".join(map(_change_view, changes))
    changed = (
        f"<h3>Changed in the database</h3>{rows}"
        if rows
        else "<p class='about'>the database is as it was</p>"
    )
    return f'<section class="{style}"><h3>{title}</h3><pre>{escape(text[:_MOST_TEXT])}</pre>{changed}</section>'


def _change_view(change: RecordChange) -> str:
    name = change.table + (f"[{change.record}]" if change.record else "")
    whose = "the user's " if change.side == "user" else ""
    fields = "".join(map(_field_view, change.fields))
    head = f"{_SIGNS[change.kind]} {whose}{name} {change.kind}"
    return f'<div class="change {change.kind}"><b>{escape(head)}</b><table>{fields}</table></div>'


def _field_view(one: FieldChange) -> str:
    old = "" if one.old is Missing.VALUE else f"<del>{escape(_json(one.old))}</del>"
    new = "" if one.new is Missing.VALUE else f"<ins>{escape(_json(one.new))}</ins>"
    return f"<tr><td><code>{escape(one.field)}</code></td><td>{old} {new}</td></tr>"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
