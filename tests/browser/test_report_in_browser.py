"""The report in a real browser without a network.

It opens, complains of nothing and asks for nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browser.chromium import browser, needs_chromium
from tests.unit.report.conftest import a_run, some_results
from tests.unit.report.test_html_call import spoken, stored

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.report.html import ReportedRun, report_page, run_figures

pytestmark = [needs_chromium, pytest.mark.timeout(300)]

HOSTILE = (
    "</script></title></style><script>window.hit=1</script><img src=x onerror='window.hit=2'>"
    "<svg onload=window.hit=3><iframe src='http://evil.invalid/'></iframe>"
    "<a href='javascript:window.hit=4'>x</a>"
)
OVERVIEW_IS_SEEN = "!document.getElementById('overview').hidden"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


def written(folder: Path, *runs, num_trials: int = 1, domain: str = "mock") -> Path:
    results = some_results(*runs, num_trials=num_trials)
    results.info.environment_info.domain_name = domain
    page = report_page([ReportedRun(results, run_figures(results, None, "first", resamples=100))])
    file = folder / "report.html"
    file.write_text(page.html, encoding="utf-8")
    return file


def opened(chromium, key: str) -> str:
    """Go to a conversation, wait for it, and return its text."""
    chromium.ask(f"location.hash = '{key}'")
    chromium.wait(f"document.getElementById('conversation').dataset.key === '{key}'")
    return chromium.ask("document.getElementById('conversation').innerText")


def a_change():
    """Return a simulation of the mock domain that creates a record."""
    call = ToolCall(id="1", name="create_task", arguments={"user_id": "user_1", "title": "Call"})
    return a_run("change", messages=[
        UserMessage(content="Please."), AssistantMessage(tool_calls=[call]),
        ToolMessage(id="1", content="{}"),
    ])  # fmt: skip


@pytest.fixture
def page(tmp_path):
    return written(
        tmp_path, a_run("lost", 0.0), a_change(), a_run("broken", None, info={"error": "503"})
    )


def test_it_opens_without_a_complaint_and_without_a_request(chromium, page):
    chromium.open(page)
    assert chromium.ask("document.title") == "first"
    opened(chromium, "c0-0")
    opened(chromium, "c0-1")
    assert chromium.console == []
    assert [url for url in chromium.requests if not url.startswith(("file:", "data:,"))] == []
    assert len(chromium.requests) <= 2


def test_what_models_say_stays_text(chromium, tmp_path):
    call = ToolCall(id="1", name=HOSTILE, arguments={"x": HOSTILE})
    messages = [
        UserMessage(content=HOSTILE), AssistantMessage(tool_calls=[call],
                                                       reasoning_content=HOSTILE),
        ToolMessage(id="1", content=HOSTILE, error=True),
    ]  # fmt: skip
    run = a_run(HOSTILE, None, messages=messages, info={"error": HOSTILE}, id=HOSTILE)
    chromium.open(written(tmp_path, run, domain=HOSTILE))
    text = opened(chromium, "c0-0")
    chromium.press("e")
    assert text.count(HOSTILE) >= 4
    assert chromium.ask("window.hit === undefined")
    assert (
        chromium.ask("document.querySelectorAll('iframe, img, main a[href^=javascript]').length")
        == 0
    )
    assert chromium.console == []
    assert all(url.startswith("file:") for url in chromium.requests)


def test_the_policy_of_the_page_stops_a_request(chromium, page):
    """The check above would see a request: one that is made on purpose is seen, and stopped."""
    chromium.open(page)
    chromium.ask("fetch('http://evil.invalid/').then(() => 1, () => 0)")
    assert any("Content Security Policy" in said for said in chromium.console)
    assert chromium.ask("var s = document.createElement('script'); s.textContent = 'window.hit=1';"
                        "document.body.append(s); window.hit === undefined")  # fmt: skip


def test_a_conversation_shows_its_calls_changes_and_checks(chromium, page):
    chromium.open(page)
    text = opened(chromium, "c0-1")
    for said in ("create_task(", "tasks / task_2 added", "title", '"Call"', "Please."):
        assert said in text
    assert chromium.ask("document.querySelector('details.call').open") is False


def test_everything_can_be_reached_with_keys(chromium, page):
    chromium.open(page)
    chromium.press("j")
    chromium.wait("document.getElementById('conversation').dataset.key === 'c0-0'")
    chromium.press("ArrowRight")
    chromium.wait("document.getElementById('conversation').dataset.key === 'c0-1'")
    chromium.press("e")
    assert chromium.ask("document.querySelector('details.call').open")
    chromium.press("Escape")
    chromium.wait(OVERVIEW_IS_SEEN)
    assert chromium.ask("document.activeElement.getAttribute('href')") == "#c0-1"
    chromium.press("ArrowDown")
    assert chromium.ask("document.activeElement.getAttribute('href')") == "#c0-2"
    chromium.press("Enter")
    chromium.wait("document.getElementById('conversation').dataset.key === 'c0-2'")
    chromium.press("?")
    assert chromium.ask("document.getElementById('help').open")


def test_filters_narrow_the_grid_and_the_steps_between_conversations(chromium, page):
    chromium.open(page)
    assert chromium.ask("[...document.querySelectorAll('#f-tool option')].map(o => o.text)") == [
        "any", "create_task", "look",
    ]  # fmt: skip
    chromium.ask(
        "document.getElementById('f-outcome').value = 'i';"
        "document.getElementById('filters').dispatchEvent(new Event('input'))"
    )
    assert chromium.ask("document.getElementById('f-count').textContent") == "1 of 3 simulations"
    assert chromium.ask("document.querySelectorAll('.grid tbody tr:not([hidden])').length") == 1
    chromium.press("j")
    chromium.wait("document.getElementById('conversation').dataset.key === 'c0-2'")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(chromium, page, dark):
    chromium.open(page, width=360, height=740, dark=dark)
    background = chromium.ask("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(21, 23, 26)") is dark
    for key in (None, "c0-1"):
        if key:
            opened(chromium, key)
        chromium.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert chromium.ask("document.documentElement.scrollWidth") <= 360
        cut = (
            "[...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth)"
        )
        assert chromium.ask(f"{cut}.length") == 0, "no column is cut"


def test_two_thousand_simulations_open(chromium, tmp_path):
    runs = [
        a_run(f"task {number // 4}", float(number % 3 == 0), number % 4) for number in range(2000)
    ]
    file = written(tmp_path, *runs, num_trials=4)
    assert file.stat().st_size < 20_000_000
    chromium.open(file)
    assert chromium.ask("document.querySelectorAll('a.cell').length") == 2000
    assert "Help me" in opened(chromium, "c0-1")
    assert "is not in the page" in opened(chromium, "c0-1998")


# --- calls ----------------------------------------------------------------------------------------


def a_spoken_page(folder: Path, *, minutes: float) -> Path:
    """Return the page of a call of 5.8 s with its recording."""
    run = spoken()
    reported = stored(folder, run)
    html = report_page([reported], audio_minutes=minutes, folder=folder).html
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    return file


@pytest.mark.parametrize("minutes", [30, 0], ids=["in the page", "linked"])
def test_a_call_plays_and_its_timeline_leads_to_a_time(chromium, tmp_path, minutes):
    chromium.open(a_spoken_page(tmp_path, minutes=minutes))
    opened(chromium, "c0-0")
    chromium.wait("document.querySelector('audio').duration > 5")

    chromium.ask(
        "(() => { const strip = document.querySelector('.strip svg').getBoundingClientRect();"
        "document.querySelector('.strip').dispatchEvent(new MouseEvent('click', "
        "{bubbles: true, clientX: strip.left + strip.width / 2, clientY: strip.top + 40})) })()"
    )

    assert 2.4 < chromium.ask("document.querySelector('audio').currentTime") < 3.6
    assert chromium.ask("document.querySelectorAll('.turn.now').length") == 1
    assert "agent: word" in chromium.ask("document.querySelector('.caption').textContent")
    assert chromium.console == []


def test_a_recording_that_was_moved_away_is_named(chromium, tmp_path):
    page = a_spoken_page(tmp_path, minutes=0)
    (file,) = tmp_path.rglob("both.wav")
    file.unlink()
    chromium.open(page)
    opened(chromium, "c0-0")

    shown = chromium.wait(
        "(() => { const text = document.querySelector('.call-panel .warn');"
        "return text.hidden ? '' : text.textContent })()"
    )
    assert "artifacts/task_spoken" in shown


def test_a_call_fits_a_telephone(chromium, tmp_path):
    chromium.open(a_spoken_page(tmp_path, minutes=30), width=390, height=800)
    opened(chromium, "c0-0")

    assert chromium.ask("document.documentElement.scrollWidth") <= 390
