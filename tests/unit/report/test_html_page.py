"""A report as one file: self-contained, the same every time, and deaf to what models say."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html import unescape

import pytest
from jinja2 import UndefinedError
from tests.unit.report.conftest import a_priced_run, a_run, some_results

from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import DBCheck, RewardInfo
from tau2.report.html import Cleaner, ReportedRun, report_page, run_figures
from tau2.report.html.conversation import MOST_CHARS
from tau2.report.html.page import MOST_LISTED, summary_line
from tau2.report.html.templating import new_environment

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\"'&amp;"


def reported(*runs, title="first", num_trials=1) -> ReportedRun:
    results = some_results(*runs, num_trials=num_trials)
    return ReportedRun(results, run_figures(results, None, title, resamples=100))


def page(*runs, num_trials=1, **options) -> str:
    return report_page([reported(*runs, num_trials=num_trials)], **options).html


def shown(html: str) -> str:
    """Return the text of a page, without its scripts and style."""
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(text).split())


def conversations(html: str) -> dict[str, dict]:
    found = re.findall(r'<script type="text/plain" id="(d[\d-]+)">([^<]*)</script>', html)
    return {name: json.loads(zlib.decompress(base64.b64decode(text))) for name, text in found}


def visible(html: str) -> str:
    """Return the page and everything that is packed in it."""
    return html + json.dumps(conversations(html), ensure_ascii=False)


def test_a_page_loads_nothing_and_its_policy_forbids_it():
    html = page(a_run("a"), a_run("b", 0.0))
    assert re.findall(r"(?:src|href)=\"(?!#|data:,)", html) == []
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1])
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "@import" not in html
    assert "url(" not in html


def test_the_policy_allows_the_style_and_the_script_of_the_page():
    html = page(a_run("a"))
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        content = re.findall(rf"<{element}>(.*?)</{element}>", html, flags=re.DOTALL)
        digests = [
            base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in content
        ]
        assert [f"{directive} 'sha256-{digest}'" in unescape(html) for digest in digests] == [True]


def test_the_same_runs_give_the_same_page():
    results = some_results(a_run("a"), a_run("b", 0.0))
    one, two = (
        report_page([ReportedRun(results, run_figures(results, None,
                                                      "first"))]).html for _ in range(2)
    )  # fmt: skip
    assert one == two


def test_whatever_a_model_says_stays_text():
    messages = [
        AssistantMessage(content=HOSTILE, reasoning_content=HOSTILE),
        UserMessage(content=HOSTILE),
        AssistantMessage(tool_calls=[ToolCall(id="1", name=HOSTILE, arguments={HOSTILE: HOSTILE})]),
        ToolMessage(id="1", content=HOSTILE),
    ]
    info = {"error": HOSTILE, "error_type": HOSTILE}
    hostile = a_run(HOSTILE, None, messages=messages, info=info, id=HOSTILE)
    html = report_page([reported(hostile, title=HOSTILE)]).html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert (
        html.count("<script") == html.count("</script") == 3
    )  # the index, one conversation, the page's own script
    (data,) = conversations(html).values()
    assert data["messages"][0]["text"] == data["messages"][0]["thought"] == HOSTILE
    assert data["messages"][2]["calls"][0]["result"] == HOSTILE


def test_control_characters_are_taken_out():
    html = page(a_run("a\x1b[31m\x00", messages=[UserMessage(content="x\x1b]0;title\x07y")]))
    assert "\x1b" not in visible(html)
    assert conversations(html)["d0-0"]["messages"][0]["text"] == "xy"


def test_credentials_never_reach_the_page(monkeypatch):
    monkeypatch.setenv("MY_PROVIDER_API_KEY", "hush-hush-hush-4711")
    planted = (
        "hush-hush-hush-4711 sk-abcdefghijklmnop Bearer abcdef.ghijkl https://me:pa55word@host/"
    )
    messages = [
        UserMessage(content=planted, raw_data={"headers": planted}),
        AssistantMessage(tool_calls=[ToolCall(id="1", name="look", arguments={"key": planted})]),
        ToolMessage(id="1", content=planted),
    ]
    run = a_run(
        f"task {planted}",
        None,
        messages=messages,
        info={"error": planted, "error_traceback": planted},
    )
    results = some_results(run)
    results.info.agent_info.llm_args = {"api_key": planted}
    html = report_page([ReportedRun(results, run_figures(results, None, planted))]).html
    for secret in ("hush-hush", "sk-abcdef", "abcdef.ghijkl", "pa55word"):
        assert secret not in visible(html)


def test_failures_come_first_when_there_is_a_limit():
    made = report_page(
        [reported(a_run("a"), a_run("b", None), a_run("c", 0.0))], most_conversations=2
    )
    assert {data["task"] for data in conversations(made.html).values()} == {"b", "c"}
    assert (made.num_conversations, made.left_out) == (2, 1)
    assert "2 of 3 conversations" in made.html
    assert "1 more left out" in summary_line(made)


def test_a_long_message_is_cut_and_says_so():
    data = conversations(page(a_run("a", messages=[UserMessage(content="x" * (MOST_CHARS + 5))])))[
        "d0-0"
    ]
    assert data["messages"][0]["text"].endswith("… (+5 characters)")


def test_results_belong_to_their_calls():
    calls = [ToolCall(id=name, name=name, arguments={}) for name in ("one", "two")]
    results = [
        ToolMessage(id="two", content="2"),
        ToolMessage(id="one", content='{"n": 1}', error=True),
    ]
    messages = [
        SystemMessage(content="Begin."), AssistantMessage(tool_calls=calls),
        MultiToolMessage(tool_messages=results), ToolMessage(id="lost", content="3"),
        AssistantMessage(tool_calls=calls[:1]),
    ]  # fmt: skip
    entries = conversations(page(a_run("a", messages=messages)))["d0-0"]["messages"]
    assert [entry["who"] for entry in entries] == ["system", "agent", "tool", "agent"]
    one, two = entries[1]["calls"]
    assert (one["result"], one["error"], two["result"]) == ('{\n  "n": 1\n}', True, "2")
    assert entries[2]["calls"][0]["brief"] == "a result without its call"
    assert "result" not in entries[3]["calls"][0]


def test_the_index_names_tools_rewards_and_outcomes():
    html = page(a_run("a"), a_run("b", None, messages=[]))
    index = json.loads(re.search(r'id="index">([^<]+)<', html)[1])
    assert index["tools"] == ["look"]
    assert index["simulations"] == [
        [0, 0, "a", 0, "p", 1.0, [0], 1],
        [0, 1, "b", 0, "i", None, [], 1],
    ]


def test_the_grid_has_a_row_per_task_and_a_cell_per_trial():
    runs = [a_run("a", float(trial), trial) for trial in range(2)] + [a_run("b", None, 0)]
    html = page(*runs)
    grid = html[html.index('class="grid"') :]
    cells = re.findall(r'href="(#c[\d-]+)" class="cell (\w)"', grid)
    assert cells == [("#c0-0", "a"), ("#c0-1", "p"), ("#c0-2", "i")]
    assert ">1/2<" in grid
    assert ">0/0<" in grid


def test_several_runs_share_one_page():
    html = report_page(
        [reported(a_run("a"), title="one"), reported(a_run("a", 0.0), title="two")]
    ).html
    assert "Side by side" in html
    assert set(conversations(html)) == {"d0-0", "d1-0"}
    assert html.count('class="dot"') == 2


def test_costs_are_shown_or_said_to_be_unknown():
    assert "$0.5000" in page(a_priced_run(0.5, task_id="a"))
    assert "cost unknown" in page(a_priced_run(None, task_id="a"))


def test_nothing_played_is_a_page_too():
    html = page()
    assert "Nothing counts yet." in html
    assert "average reward" in html


def test_database_changes_are_in_the_conversation_unless_unwanted():
    call = ToolCall(id="1", name="create_task", arguments={"user_id": "user_1", "title": "Call"})
    results = some_results(a_run("a", messages=[UserMessage(content="Hi"),
                                                AssistantMessage(tool_calls=[call]),
                                                ToolMessage(id="1", content="...")]))  # fmt: skip
    results.info.environment_info.domain_name = "mock"
    one = ReportedRun(results, run_figures(results, None, "first"))
    with_them = conversations(report_page([one]).html)["d0-0"]["messages"][1]["calls"][0]
    without = conversations(report_page([one], with_diffs=False).html)["d0-0"]["messages"][1][
        "calls"
    ][0]
    assert {change["kind"] for change in with_them["changes"]} == {"added", "changed"}
    assert "changes" not in without


def test_an_unregistered_domain_says_why_there_are_no_changes():
    data = conversations(page(a_run("a")))["d0-0"]
    assert "no domain named 'shop'" in data["replay"][0]


@pytest.mark.parametrize("text", ["<b>", 'a" onclick="x', "a & b", "{{ 7 * 7 }}"])
def test_a_template_escapes_text_and_attributes(text):
    environment = new_environment(Cleaner([]))
    made = environment.from_string('<p title="{{ text }}">{{ text }}</p>').render(text=text)
    assert "<b>" not in made
    assert made.count('"') == 2
    assert unescape(made) == f'<p title="{text}">{text}</p>'


def test_whatever_a_template_shows_is_cleaned():
    environment = new_environment(Cleaner(["tops3cret"]))
    made = environment.from_string("{{ text }}").render(text="\x1b[1m<tops3cret>\x07")
    assert made == "&lt;[redacted]&gt;"


def test_a_name_that_a_template_misspells_is_an_error():
    with pytest.raises(UndefinedError):
        new_environment(Cleaner([])).from_string("{{ figure }}").render(figures=1)


def test_what_is_left_out_is_said_with_its_reason_and_number():
    differs = DBCheck(db_match=False, db_reward=0.0)
    fault = RewardInfo(reward=0.0, db_check=differs, info={"gold_errors": ["no such order"]})
    broken = [
        a_run(f"broken {number}", None, info={"error": "503", "failed_after_attempts": 3})
        for number in range(MOST_LISTED + 1)
    ]
    text = shown(page(a_run("a"), a_run("b", 0.0, reward_info=fault), *broken, num_trials=2))
    for sentence in (
        "over 1 of 203 simulations",
        "1 of 203 simulations counts.",
        "Not played yet: 203 simulations.",
        "failures of the agent, as the public package does, pass^1 is 0.500.",
        "202 simulations left out of every average",
        "a reference action failed: no such order",
        "… and 2 more",
        "201 units played more than once",
        "… and 1 more",
        "Conversations ended: infrastructure_error 201, user_stop 2.",
    ):
        assert sentence in text


def test_a_cleaner_hides_only_what_it_is_told_and_what_looks_secret():
    assert Cleaner(["tops3cret"])("a tops3cret b") == "a [redacted] b"
    assert Cleaner([])("plain text", 5) == "plain… (+5 characters)"
