"""The pages of the documentation website, as a Starlette application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from tau2.environment.tool import Tool
from tau2.errors import Tau2Error, UnknownName, needs_extra
from tau2.service.catalog import SIDES, DomainDocs
from tau2.service.runs import RUNS_PER_PAGE, RunsFolder
from tau2.service.templating import new_environment
from tau2.service.tool_form import arguments_of, fields_of

with needs_extra("serve", "starlette"):
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, RedirectResponse, Response
    from starlette.routing import Route

_MOST_FIELDS = 100  # of one form
_TASKS_PER_PAGE = 50
_SIMULATIONS_SHOWN = 200  # of one run, the latest first
_REPORT_SECONDS = 3.0  # for which a report is waited for before a page says that it is made
_LIVE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of pages that a script of ours keeps up to date; the others run no script."""
_LAST_PAGE = 999_999
_STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml", "live.js": "text/javascript"}


def documentation_app(names: Sequence[str], runs: Path | None = None) -> Starlette:
    """Return the website of the domains `names`, and of the runs in a folder, if one is given.

    Raise UnknownName for a domain that is not registered. Links are made relative to the
    `root_path` of the request.
    """
    site = _Site(names, runs)
    return Starlette(
        routes=[
            Route("/", site.index),
            *(Route(f"/{name}", _static(name, kind)) for name, kind in _STATIC.items()),
            # No domain has such a name.
            Route("/-/runs", site.runs),
            Route("/-/runs/{run}", site.run),
            Route("/-/runs/{run}/report", site.report),
            Route("/{domain}", site.policy),
            Route("/{domain}/tools", site.tools),
            Route("/{domain}/tools/{side}/{tool}", site.tool, methods=["GET", "POST"]),
            Route("/{domain}/tasks", site.tasks),
            Route("/{domain}/tasks/{task:path}", site.task),  # the id of a task may hold slashes
            Route("/{domain}/restart", site.restart, methods=["POST"]),
        ],
        exception_handlers={
            UnknownName: site.not_found,
            Tau2Error: site.not_possible,
            HTTPException: site.refused,
            Exception: site.failed,
        },
    )


class _Site:
    """The endpoints: coroutines on one event loop, so that the domains need no locks."""

    def __init__(self, names: Sequence[str], runs: Path | None) -> None:
        self._domains = {name: DomainDocs(name) for name in names}
        self._runs = RunsFolder(runs) if runs is not None else None
        self._templates = new_environment()

    async def index(self, request: Request) -> Response:
        return self._page(
            request, "index.html", {"title": "domains", "domains": self._domains.values()}
        )

    async def policy(self, request: Request) -> Response:
        docs = self._docs(request)
        return self._page(request, "policy.html", {"title": docs.name, "docs": docs})

    async def tools(self, request: Request) -> Response:
        docs = self._docs(request)
        return self._page(request, "tools.html", {"title": f"{docs.name} tools", "docs": docs})

    async def tool(self, request: Request) -> Response:
        docs, side, tool = self._tool(request)
        if request.method != "POST":
            return self._tool_page(request, docs, side, tool, request.query_params)
        form = await _form(request)
        try:
            arguments = arguments_of(tool, form)
        except ValueError as problem:
            return self._problem(request, 400, "this cannot be called", str(problem))
        result, changes = docs.call(side, tool.name, arguments)
        return self._tool_page(request, docs, side, tool, form, result=result, changes=changes)

    def _tool_page(
        self,
        request: Request,
        docs: DomainDocs,
        side: str,
        tool: Tool,
        filled: Mapping[str, str],
        **outcome: Any,
    ) -> Response:
        context = {
            "title": f"{docs.name} {tool.name}",
            "docs": docs,
            "side": side,
            "tool": tool,
            "fields": fields_of(tool),
            "filled": filled,
            **outcome,
        }
        return self._page(request, "tool.html", context)

    async def tasks(self, request: Request) -> Response:
        docs = self._docs(request)
        text = request.query_params.get("q", "")
        split = request.query_params.get("split", "")
        found = docs.find_tasks(text, split)
        pages = max(1, -(-len(found) // _TASKS_PER_PAGE))
        number = min(_page_number(request), pages)
        shown = found[(number - 1) * _TASKS_PER_PAGE :][:_TASKS_PER_PAGE]
        context = {
            "title": f"{docs.name} tasks",
            "docs": docs,
            "text": text,
            "split": split,
            "found": found,
            "shown": shown,
            "number": number,
            "pages": pages,
        }
        return self._page(request, "tasks.html", context)

    async def task(self, request: Request) -> Response:
        docs = self._docs(request)
        task = docs.task(request.path_params["task"])
        return self._page(
            request, "task.html", {"title": f"{docs.name} {task.id}", "docs": docs, "task": task}
        )

    async def restart(self, request: Request) -> Response:
        docs = self._docs(request)
        form = await _form(request)
        docs.restart(form.get("task"))
        side, tool = form.get("side", ""), form.get("tool", "")
        known = side in SIDES and tool in docs.tools(side)
        place = (docs.name, "tools", side, tool) if known else (docs.name, "tools")
        return RedirectResponse(_address(request, *place), status_code=303)

    # --- runs -------------------------------------------------------------------------------------

    async def runs(self, request: Request) -> Response:
        """Answer with the page of all runs, or with its part that changes (`?part=live`)."""
        folder = self._runs_folder()
        number = _page_number(request)
        lines, total = await asyncio.to_thread(folder.lines, number)
        pages = max(1, -(-total // RUNS_PER_PAGE))
        context = {
            "title": "runs",
            "lines": lines,
            "total": total,
            "number": number,
            "pages": pages,
            "folder": folder.path,
        }
        return self._live(request, "runs", context)

    async def run(self, request: Request) -> Response:
        """Answer with the page of one run, or with its part that changes."""
        line = await asyncio.to_thread(self._runs_folder().line, request.path_params["run"])
        latest = line.latest(_SIMULATIONS_SHOWN)
        return self._live(request, "run", {"title": line.name, "line": line, "latest": latest})

    def _live(self, request: Request, name: str, context: Mapping[str, Any]) -> Response:
        is_part = request.query_params.get("part") == "live"
        template = f"{name}_live.html" if is_part else f"{name}.html"
        answer = self._page(request, template, context)
        if not is_part:
            answer.headers["Content-Security-Policy"] = _LIVE_POLICY
        return answer

    async def report(self, request: Request) -> Response:
        """Answer with the report of a run; while it takes long to make, with a page that waits."""
        name = request.path_params["run"]
        making = self._runs_folder().report(name)
        done, _ = await asyncio.wait([making], timeout=_REPORT_SECONDS)
        if not done:
            context = {"title": f"{name}: the report is being made", "run": name}
            return self._page(request, "waiting.html", context, 202)
        page, policy = making.result()
        headers = {"Content-Security-Policy": policy}
        return HTMLResponse(page, headers=headers)

    def _runs_folder(self) -> RunsFolder:
        if self._runs is None:
            raise HTTPException(404)
        return self._runs

    def _docs(self, request: Request) -> DomainDocs:
        name = request.path_params["domain"]
        if name not in self._domains:
            raise UnknownName("domain", name, self._domains)
        return self._domains[name]

    def _tool(self, request: Request) -> tuple[DomainDocs, str, Tool]:
        docs = self._docs(request)
        side = request.path_params["side"]
        return docs, side, docs.tool(side, request.path_params["tool"])

    def _page(
        self, request: Request, template: str, context: Mapping[str, Any], status: int = 200
    ) -> Response:
        def link(*parts: str, **query: object) -> str:
            return _address(request, *parts, **query)

        page = self._templates.get_template(template)
        html = page.render(
            link=link,
            names=list(self._domains),
            sides=SIDES,
            has_runs=self._runs is not None,
            **context,
        )
        # A lone surrogate in a domain's data cannot be encoded; it must not fail the page.
        return HTMLResponse(html.encode("utf-8", "replace"), status)

    # --- errors -----------------------------------------------------------------------------------

    def _problem(self, request: Request, status: int, title: str, text: str) -> Response:
        return self._page(request, "problem.html", {"title": title, "text": text}, status)

    async def not_found(self, request: Request, problem: Exception) -> Response:
        return self._problem(request, 404, "not found", str(problem))

    async def not_possible(self, request: Request, problem: Exception) -> Response:
        return self._problem(request, 400, "this did not work", str(problem))

    async def refused(self, request: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException), "this is what the handler is registered for"
        status = HTTPStatus(problem.status_code)
        explained = {404: "there is no such page", 405: f"{request.method} is not answered here"}
        response = self._problem(
            request, status, status.phrase.lower(), explained.get(status, problem.detail)
        )
        response.headers.update(problem.headers or {})
        return response

    async def failed(self, request: Request, _problem: Exception) -> Response:
        """Answer a fault of ours; Starlette raises it again, and uvicorn logs its traceback."""
        return self._problem(request, 500, "this page failed", "the log says why")


def _static(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a small file. Starlette's StaticFiles would read it in a thread."""
    content = files(__package__).joinpath("static", name).read_bytes()

    async def answer(_request: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


def _address(request: Request, *parts: str, **query: object) -> str:
    path = f"{request.scope['root_path']}/" + "/".join(quote(part, safe="") for part in parts)
    return f"{path}?{urlencode(query)}" if query else path


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(_LAST_PAGE))
    return max(1, int(text)) if is_number else 1


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of a field that is given twice, the last.

    Raise HTTPException for too many fields. The guard of the server bounds the body.
    """
    body = await request.body()
    try:
        fields = parse_qsl(
            body.decode("latin-1"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="replace",
        )
    except ValueError as problem:
        raise HTTPException(400, "there are too many fields") from problem
    return dict(fields)
