"""The pages as a browser gets them."""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from urllib.parse import quote, urlencode, urlsplit

import pytest

from tau2.errors import ConfigError, UnknownName
from tau2.registry import registry
from tau2.service.http import Refused, Request
from tau2.service.server import DocServer


class Browser:
    """Asks a server without a socket: what it refuses is an answer too."""

    def __init__(self, server: DocServer) -> None:
        self.server = server
        server._port, server._hosts = 80, frozenset({"127.0.0.1:80"})

    def get(self, *parts: str, **query: str):
        return self._ask("GET", parts, query, {})

    def post(self, *parts: str, **form: str):
        return self._ask("POST", parts, {}, form)

    def _ask(self, method, parts, query, form):
        headers = {"host": "127.0.0.1:80"}
        return self.server.answer(Request(method, ("secret", *parts), query, form, headers))


@pytest.fixture
def browser():
    return Browser(DocServer(["mock", "telecom"], token="secret"))


# --- pages ----------------------------------------------------------------------------------------------------------


def test_the_first_page_lists_the_domains(browser):
    page = browser.get().body
    assert "mock" in page
    assert "/secret/telecom" in page


def test_a_domain_shows_policy_tools_and_tasks(browser):
    assert "<h2>" in browser.get("mock").body
    assert "Tools of the user" in browser.get("mock", "tools").body
    tool = browser.get("mock", "tools", "agent", "create_task").body
    assert "create_task(user_id: str, title: str" in tool
    assert "&quot;parameters&quot;" in tool
    assert "Important Meeting" in tool, "an example of a task's reference"
    assert "create_task_1" in browser.get("mock", "tasks").body
    assert "The customer" in browser.get("mock", "tasks", "create_task_1").body


def test_tasks_are_found_by_text_and_split_and_shown_in_pages(browser):
    assert "1 of 10" in browser.get("mock", "tasks", q="create_task_1_nl").body
    split = next(iter(browser.server.docs["telecom"].splits))
    assert "selected" in browser.get("telecom", "tasks", split=split).body
    assert "page 2 of" in browser.get("telecom", "tasks", page="2").body
    assert "page 1 of" in browser.get("telecom", "tasks", page="-1").body


def test_a_task_with_any_id_has_its_page(browser):
    task_id = next(iter(browser.server.docs["telecom"].tasks))
    assert quote(task_id, safe="") in browser.get("telecom", "tasks").body
    assert browser.get("telecom", "tasks", task_id).status == 200


@pytest.mark.parametrize(
    "path", [("nowhere",), ("mock", "x"), ("mock", "tools", "agent", "creat_task"), ("mock", "tools", "boss", "x"),
             ("mock", "tasks", "no"), ("mock", "tools", "agent", "__init__")],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(browser, path):
    assert browser.get(*path).status == 404


# --- trying tools out -----------------------------------------------------------------------------------------------


def test_a_call_shows_its_answer_and_what_it_changed(browser):
    page = browser.post(
        "mock", "tools", "agent", "create_task", **{"arg.user_id": "user_1", "arg.title": "Tea"}
    ).body
    assert "&quot;title&quot;: &quot;Tea&quot;" in page
    assert "+ tasks[task_2] added" in page


def test_calls_build_on_one_another_until_the_world_starts_again(browser):
    call = {"arg.user_id": "user_1", "arg.title": "Tea"}
    browser.post("mock", "tools", "agent", "create_task", **call)
    assert "task_3" in browser.post("mock", "tools", "agent", "create_task", **call).body
    answer = browser.post("mock", "restart", side="agent", tool="create_task")
    assert (answer.status, answer.location) == (303, "/secret/mock/tools/agent/create_task")
    assert "task_3" not in browser.post("mock", "tools", "agent", "create_task", **call).body


def test_a_world_may_begin_as_a_task_does(browser):
    task_id = next(
        task.id for task in browser.server.docs["mock"].tasks.values()
        if task.initial_state is not None and task.initial_state.initialization_actions
    )  # fmt: skip
    assert browser.post("mock", "restart", task=task_id).status == 303
    assert f"as task {task_id} begins" in browser.get("mock", "tools", "agent", "create_task").body
    assert browser.post("mock", "restart", task="nope").status == 404


def test_no_call_reaches_the_domain_itself(browser):
    before = registry.get_env_constructor("mock")().get_db_hash()
    browser.post(
        "mock", "tools", "agent", "create_task", **{"arg.user_id": "user_1", "arg.title": "Tea"}
    )
    assert registry.get_env_constructor("mock")().get_db_hash() == before
    assert browser.server.docs["mock"].environment.get_db_hash() == before


def test_a_tool_that_refuses_is_an_error_on_the_page(browser):
    page = browser.post(
        "mock", "tools", "agent", "create_task", **{"arg.user_id": "nobody", "arg.title": "x"}
    )
    assert page.status == 200
    assert '<section class="error">' in page.body


def test_every_tool_has_a_form_that_takes_nonsense():
    names = registry.get_domains()
    browser = Browser(DocServer(names, token="secret"))
    for docs in browser.server.docs.values():
        for side in ("agent", "user"):
            for name, tool in docs.tools(side).items():
                nonsense = {f"arg.{field}": "<script>{" for field in tool.params.model_fields}
                assert browser.get(docs.name, "tools", side, name).status == 200
                answer = browser.post(docs.name, "tools", side, name, **nonsense)
                assert answer.status in {200, 400}
                assert "<script" not in answer.body


def test_everything_is_escaped(browser):
    evil = '"><script>alert(1)</script><img src=x onerror=y>'
    pages = [
        browser.get(evil).body,
        browser.get("mock", "tasks", q=evil, split=evil).body,
        browser.get("mock", "tasks", evil).body,
        browser.get("mock", "tools", "agent", "create_task", **{"arg.title": evil}).body,
        browser.post(
            "mock", "tools", "agent", "create_task", **{"arg.user_id": "user_1", "arg.title": evil}
        ).body,
    ]
    assert not any(unexpected(page) for page in pages)


def unexpected(page: str) -> list[str]:
    """Return the tags and attributes that would run something or ask for something elsewhere."""
    found: list[str] = []

    class Look(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag in {"script", "img", "iframe", "object", "style", "base"}:
                found.append(tag)
            found.extend(
                f"{name}={value}" for name, value in attrs
                if name.startswith("on") or name == "style"
                or (name in {"href", "src", "action"} and not (value or "").startswith("/secret/"))
            )  # fmt: skip

    Look().feed(page)
    return found


# --- who may ask ----------------------------------------------------------------------------------------------------


def check(server: DocServer, method: str = "GET", token: str = "secret", **headers: str) -> int:
    sent = {
        "host": "127.0.0.1:80",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    try:
        return server.answer(Request(method, (token, "mock"), headers=sent)).status
    except Refused as refusal:
        return refusal.status


def test_only_this_host_the_token_and_the_own_pages_are_answered(browser):
    server = browser.server
    assert check(server) == 200
    assert check(server, token="wrong") == 403
    assert check(server, token="") == 403
    assert check(server, token="sécret") == 403
    assert check(server, host="evil.example") == 421
    assert check(server, host="evil.example:80") == 421
    assert check(server, method="POST", origin="http://evil.example") == 403
    assert check(server, method="POST", origin="null") == 403
    assert check(server, method="POST", origin="http://127.0.0.1:80") == 200
    assert check(server, sec_fetch_site="cross-site") == 403


def test_tokens_differ_and_are_long():
    first, second = DocServer(["mock"]), DocServer(["mock"])
    assert first._token != second._token
    assert len(first._token) >= 32


def test_an_unknown_domain_is_refused_at_once():
    with pytest.raises(UnknownName):
        DocServer(["mok"])


# --- over a socket --------------------------------------------------------------------------------------------------


def served(asking):
    """Serve while `asking(url)` runs in a thread, and return what it returns."""

    async def serving():
        server = DocServer(["mock"])
        with ThreadPoolExecutor(1) as pool:
            async with server.serving() as url:
                return await asyncio.get_running_loop().run_in_executor(pool, asking, url)

    return asyncio.run(serving())


def ask(url: str, path: str = "", method: str = "GET", body: str | None = None, **headers: str):
    split = urlsplit(url)
    connection = http.client.HTTPConnection(split.hostname, split.port, timeout=10)
    try:
        connection.request(method, split.path + path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def test_pages_travel_over_loopback():
    def asking(url):
        form = urlencode({"arg.user_id": "user_1", "arg.title": "Tea"})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return [
            ask(url), ask(url, "style.css"), ask(url, "mock/tools/agent/create_task", "POST", form, **kind),
            ask(url, "mock", "HEAD"), ask(url, Host="evil.example"), ask(url, "mock", "PUT"),
        ]  # fmt: skip

    index, style, call, head, elsewhere, put = served(asking)
    assert index[0] == 200
    assert re.search(r"script|unsafe", index[2]["Content-Security-Policy"]) is None
    assert style[2]["Content-Type"] == "text/css; charset=utf-8"
    assert "tasks[task_2] added" in call[1]
    assert head[:2] == (200, "")
    assert (elsewhere[0], put[0]) == (421, 405)


def test_nothing_is_left_when_it_stops(recwarn):
    before = threading.active_count()

    async def with_a_silent_reader():
        server = DocServer(["mock"])
        async with server.serving() as url:
            split = urlsplit(url)
            _, writer = await asyncio.open_connection(split.hostname, split.port)
            await asyncio.sleep(0.05)
            assert server._open
        writer.close()
        return server

    server = asyncio.run(with_a_silent_reader())
    assert not server._open
    assert threading.active_count() == before


def test_a_port_that_is_taken_says_so():
    async def twice():
        async with (
            DocServer(["mock"]).serving() as url,
            DocServer(["mock"]).serving(urlsplit(url).port),
        ):
            pass

    with pytest.raises(ConfigError, match="--port names another"):
        asyncio.run(twice())
