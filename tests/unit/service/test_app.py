"""The pages as a browser gets them."""

from __future__ import annotations

import asyncio
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from tests.library import LIBRARY
from tests.unit.service.browsing import FORM as URL_ENCODED
from tests.unit.service.browsing import Browser

from tau2.errors import UnknownName
from tau2.registry import registry
from tau2.service.catalog import DomainDocs
from tau2.serving.guard import MOST_BODY

FORM = ("mock", "tools", "agent", "create_task")
TEA = {"arg.user_id": "user_1", "arg.title": "Tea"}

# --- pages ----------------------------------------------------------------------------------------


def test_the_first_page_lists_the_domains(browser):
    page = browser.get().text
    assert "mock" in page
    assert "/secret/telecom" in page


def test_a_domain_shows_policy_tools_and_tasks(browser):
    assert "<h2>" in browser.get("mock").text
    assert "Tools of the user" in browser.get("mock", "tools").text
    tool = browser.get(*FORM).text
    assert "create_task(user_id: str, title: str" in tool
    assert "&#34;parameters&#34;" in tool
    assert "Important Meeting" in tool, "an example of a task's reference"
    assert "create_task_1" in browser.get("mock", "tasks").text
    assert "The customer" in browser.get("mock", "tasks", "create_task_1").text


def test_variants_and_discoverable_tools_are_listed(browser):
    assert "Retrieval variants" not in browser.get("mock").text
    assert "Discoverable tools" not in browser.get("mock", "tools").text
    with registry.domains.adding(LIBRARY):
        library = Browser(["library"])
        page = library.get("library").text
        tools = library.get("library", "tools").text
    assert "with the retrieval variant by_card" in page
    assert "<td><code>by_hand</code></td><td>shelves</td>" in page
    assert "Discoverable tools of the agent <small>3</small>" in tools
    assert "<td><code>waive_fine_17</code></td>" in tools
    assert "Discoverable tools of the user <small>2</small>" in tools


def test_the_page_that_is_open_is_marked(browser):
    page = browser.get("mock", "tools").text
    assert page.count('aria-current="page"') == 2
    assert '<a href="/secret/mock" aria-current="page">mock</a>' in page
    assert '<a href="/secret/mock/tools" aria-current="page">tools</a>' in page


def test_tasks_are_found_by_text_and_split_and_shown_in_pages(browser):
    assert "1 of 10" in browser.get("mock", "tasks", q="create_task_1_nl").text
    assert "No task fits." in browser.get("mock", "tasks", q="of no task").text
    docs = DomainDocs("telecom")
    split, ids = next(iter(docs.splits.items()))
    assert {task.id for task in docs.find_tasks(split=split)} == set(ids)
    assert "selected" in browser.get("telecom", "tasks", split=split).text
    assert "page 2 of" in browser.get("telecom", "tasks", page="2").text
    for nonsense in ("-1", "0", "²", "1e3", "9" * 5000):
        assert "page 1 of" in browser.get("telecom", "tasks", page=nonsense).text
    last = browser.get("telecom", "tasks", page="999999").text
    assert "before" in last
    assert "next" not in last


def test_a_task_with_any_id_has_its_page(browser, monkeypatch):
    docs = DomainDocs("telecom")
    task_id = next(iter(docs.tasks))
    assert quote(task_id, safe="") in browser.get("telecom", "tasks").text
    assert browser.get("telecom", "tasks", task_id).status_code == 200
    odd = docs.tasks[task_id].model_copy(update={"id": "a/b c?#%2F"})
    monkeypatch.setattr(DomainDocs, "tasks", {odd.id: odd})
    assert (
        '<h1 class="id">a/b c?#%2F</h1>'
        in Browser(["telecom"]).get("telecom", "tasks", odd.id).text
    )


@pytest.mark.parametrize(
    "path",
    [
        ("nowhere",),
        ("mock", "x"),
        ("mock", "tools", "agent", "creat_task"),
        ("mock", "tools", "boss", "x"),
        ("mock", "tasks", "no"),
        ("mock", "tools", "agent", "__init__"),
        ("mock", "tools", "x", "y", "z"),
    ],
)
def test_what_does_not_exist_is_not_found(browser, path):
    answer = browser.get(*path)
    assert answer.status_code == 404
    assert "<h1>not found</h1>" in answer.text


def test_a_misspelt_name_is_corrected(browser):
    assert (
        "did you mean &#39;create_task&#39;?"
        in browser.get("mock", "tools", "agent", "creat_task").text
    )


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", ("mock",), {"GET", "HEAD"}),
        ("PUT", FORM, {"GET", "HEAD", "POST"}),
        ("GET", ("mock", "restart"), {"POST"}),
        ("DELETE", ("mock", "tasks", "create_task_1"), {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_refused_and_the_right_ones_are_named(browser, method, path, allowed):
    answer = browser.send(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert f"{method} is not answered here" in answer.text


def test_a_page_that_fails_says_so_and_shows_no_details(browser, monkeypatch):
    monkeypatch.setattr(DomainDocs, "find_tasks", lambda *_: 1 / 0)
    answer = browser.get("mock", "tasks")
    assert answer.status_code == 500
    assert "this page failed" in answer.text
    assert "division" not in answer.text


def test_an_unknown_domain_is_refused_at_once():
    with pytest.raises(UnknownName):
        Browser(["mok"])


# --- trying tools out -----------------------------------------------------------------------------


def test_a_call_shows_its_answer_and_what_it_changed(browser):
    page = browser.post(*FORM, **TEA).text
    assert "&#34;title&#34;: &#34;Tea&#34;" in page
    assert "+ tasks[task_2] added" in page
    assert '<input id="arg.title" name="arg.title" value="Tea"' in page, (
        "the form keeps what was typed"
    )


def test_calls_build_on_one_another_until_the_world_starts_again(browser):
    browser.post(*FORM, **TEA)
    assert "task_3" in browser.post(*FORM, **TEA).text
    answer = browser.post("mock", "restart", side="agent", tool="create_task")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/secret/mock/tools/agent/create_task",
    )
    assert "task_3" not in browser.post(*FORM, **TEA).text


def test_a_world_may_begin_as_a_task_does(browser):
    task_id = next(
        task.id for task in DomainDocs("mock").tasks.values()
        if task.initial_state is not None and task.initial_state.initialization_actions
    )  # fmt: skip
    assert browser.post("mock", "restart", task=task_id).status_code == 303
    assert f"as task {task_id} begins" in " ".join(browser.get(*FORM).text.split())
    assert browser.post("mock", "restart", task="nope").status_code == 404


def test_no_call_reaches_the_domain_itself(browser):
    before = registry.get_env_constructor("mock")().get_db_hash()
    browser.post(*FORM, **TEA)
    assert registry.get_env_constructor("mock")().get_db_hash() == before
    assert "task_2" not in browser.get("mock").text


def test_a_tool_that_refuses_is_an_error_on_the_page(browser):
    page = browser.post(*FORM, **{"arg.user_id": "nobody", "arg.title": "x"})
    assert page.status_code == 200
    assert '<section id="answer" class="error">' in page.text


def test_a_text_that_begins_with_a_line_feed_comes_back_whole():
    path = ("retail", "tools", "agent", "modify_pending_order_items")
    page = Browser(["retail"]).get(*path, **{"arg.item_ids": "\n[1]"}).text
    assert ">\n\n[1]</textarea>" in page, "a browser drops the first line feed of a text area"


def test_every_tool_has_a_form_that_takes_nonsense():
    names = registry.get_domains()
    browser = Browser(names)
    for docs in map(DomainDocs, names):
        for side in ("agent", "user"):
            for name, tool in docs.tools(side).items():
                nonsense = {f"arg.{field}": "<script>{" for field in tool.params.model_fields}
                assert browser.get(docs.name, "tools", side, name).status_code == 200
                answer = browser.post(docs.name, "tools", side, name, **nonsense)
                assert answer.status_code in {200, 400}
                assert "<script" not in answer.text


def test_everything_is_escaped(browser):
    evil = '"><script>alert(1)<img src=x onerror=y>'
    pages = [
        browser.get(evil),
        browser.get("mock", "tasks", q=evil, split=evil),
        browser.get("mock", "tasks", evil),
        browser.get(*FORM, **{"arg.title": evil}),
        browser.post(*FORM, **{"arg.user_id": "user_1", "arg.title": evil}),
    ]
    assert all("alert(1)" in page.text for page in pages)
    assert not any(unexpected(page.text) for page in pages)


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


# --- forms ----------------------------------------------------------------------------------------


def test_a_body_has_a_limit(browser):
    fits = browser.send(
        "POST", FORM, content=b"arg.title=" + b"x" * (MOST_BODY - 10), headers=URL_ENCODED
    )
    assert fits.status_code == 200
    assert (
        browser.send("POST", FORM, content=b"x" * (MOST_BODY + 1), headers=URL_ENCODED).status_code
        == 413
    )


def test_a_body_that_does_not_arrive_is_given_up(browser, monkeypatch):
    monkeypatch.setattr("tau2.serving.guard.BODY_SECONDS", 0.01)

    async def stuck():
        yield b"arg.title="
        await asyncio.Event().wait()

    assert browser.send("POST", FORM, content=stuck(), headers=URL_ENCODED).status_code == 408


def test_only_forms_are_read(browser):
    assert browser.send("POST", FORM, json={"arg.title": "x"}).status_code == 415


def test_a_form_of_many_fields_is_refused(browser):
    assert browser.post(*FORM, **{f"arg.{number}": "x" for number in range(200)}).status_code == 400


def test_bytes_that_are_no_text_are_replaced(browser):
    answer = browser.send(
        "POST", FORM, content=b"arg.user_id=user_1&arg.title=%ff\xff", headers=URL_ENCODED
    )
    assert answer.status_code == 200
    assert "task_2" in answer.text
