"""The documentation server in a real browser.

Pages, links, forms, and nothing asked of other sites.
"""

from __future__ import annotations

import threading

import pytest
from tests.browser.chromium import browser, needs_chromium
from tests.unit.report.conftest import a_run, some_results

from tau2.service.server import DocServer

pytestmark = [needs_chromium, pytest.mark.timeout(300)]

PAGES = (
    "",
    "retail",
    "retail/tools",
    "retail/tools/agent/modify_pending_order_items",
    "retail/tasks",
    "retail/tasks/0",
    "-/runs",
    "-/runs/first",
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def runs(tmp_path):
    """A folder with a run of one simulation."""
    some_results(a_run("a_task_" + "with_a_long_name_" * 4)).save(tmp_path / "first", "dir")
    return tmp_path


@pytest.fixture
def address(chromium, runs):
    """The address of a server; the browser was started before its thread."""
    with DocServer(["mock", "retail"], runs=runs) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        yield server.url
        server.stop()
        thread.join(10)


def test_pages_open_without_a_complaint_and_ask_only_their_own_server(chromium, address):
    for page in PAGES:
        chromium.open(address + page)
        assert chromium.ask("document.querySelector('h1').innerText")
        assert chromium.console == []
        assert all(url.startswith(address) for url in chromium.requests)


def test_an_example_fills_the_form_and_the_call_shows_its_answer(chromium, address):
    chromium.open(address + "mock/tools/agent/create_task")
    chromium.follow("document.querySelector('main p a').click()")
    assert chromium.ask("document.getElementById('arg.title').value") == "Important Meeting"
    chromium.follow("document.querySelector('form.call .go').click()")
    assert "tasks[task_2] added" in chromium.ask("document.getElementById('answer').innerText")
    chromium.follow("document.querySelector('form.scratch button').click()")
    assert chromium.ask("document.getElementById('answer') === null")
    assert chromium.ask("location.pathname").endswith("/mock/tools/agent/create_task")
    assert chromium.console == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_a_phone_in_light_and_dark(chromium, address, dark):
    for page in PAGES:
        chromium.open(address + page, width=360, height=740, dark=dark)
        assert chromium.ask("document.documentElement.scrollWidth") <= 360
    background = chromium.ask("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(22, 27, 36)") is dark


def test_a_page_of_runs_follows_a_run_that_is_added(chromium, address, runs):
    chromium.open(address + "-/runs")
    assert chromium.ask("document.querySelectorAll('tbody tr').length") == 1
    some_results(a_run("<b>another</b>", id="one")).save(runs / "second", "dir")
    chromium.wait("document.querySelectorAll('tbody tr').length === 2")
    chromium.open(address + "-/runs/second/report")
    assert chromium.ask("document.querySelector('h1').innerText") == "second"
    assert chromium.console == []
