"""`tau2 users certify` as a user types it."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest

from tau2.cli import main

CERTIFY = ["users", "certify", "--domain", "mock", "--num-tasks", "3"]


def test_the_scripted_user_is_certified_on_a_page_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "card.html"
    assert main([*CERTIFY, "--user", "scripted_user", "-o", str(page)]) == 0
    assert "certified" in capsys.readouterr().out
    card = json.loads(page.with_suffix(".json").read_text())
    assert card["is_certified"]
    [domain] = card["domains"]
    assert domain["user"]["conversations"] == 3
    assert domain["user"]["score"] == 1.0
    html = unescape(page.read_text())
    assert "default-src 'none'" in html
    assert "scripted_user: report card" in html


def test_a_model_that_speaks_as_the_agent_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "user.json"
    line = "Sure, let me look up your account. <script>alert(1)</script>"
    script.write_text(json.dumps([line] * 20))
    model = ["--user", "user_simulator", "--llm", f"scripted/{script}"]
    page = tmp_path / "card.html"
    assert main([*CERTIFY, *model, "--json", "-o", str(page)]) == 1
    card = json.loads(capsys.readouterr().out)
    [domain] = card["domains"]
    assert card["prompt_form"] == "full"
    assert domain["user"]["by_kind"]["speaks_as_agent"] > 0
    assert domain["user"]["failures"] == 1.0
    assert {one["name"] for one in domain["criteria"] if not one["is_met"]} >= {"any failure"}
    assert "<script>alert" not in page.read_text()


def test_the_same_seed_gives_the_same_card(tmp_path: Path) -> None:
    cards = []
    for name in ("one", "two"):
        page = tmp_path / f"{name}.html"
        main([*CERTIFY, "--user", "scripted_user", "-o", str(page), "--seed", "7"])
        cards.append(page.read_text())
    assert cards[0] == cards[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--user", "nobody"], "nobody"),
        (["--user", "scripted_user", "--domain", "mok"], "no domain named 'mok'; did you mean"),
        (["--user", "scripted_user", "--num-tasks", "0"], "at least 1 task"),
        (["--user", "scripted_user", "--llm-args", "{"], "not JSON"),
        (["--user", "scripted_user", "--llm-args", "[]"], "JSON object"),
    ],
)
def test_wrong_usage_is_said(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*CERTIFY, "-o", str(tmp_path / "card.html"), *options]) == 2
    assert said in capsys.readouterr().err


def test_one_conversation_is_one_and_figures_stand_below_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--num-tasks", "1", "--user", "scripted_user", "-o", str(tmp_path / "card.html")]
    main(["users", "certify", "--domain", "mock", *options])
    shown = capsys.readouterr().out
    assert "mock: 1 conversation\n" in shown
    lines = [line for line in shown.splitlines() if line.endswith("met")]
    assert len(lines) > 3
    assert len({line.index("met") for line in lines}) == 1
    assert "100.0 %  ≥ 80 %  met" in shown


def test_a_user_that_says_nothing_never_says_its_wish(tmp_path: Path) -> None:
    page = tmp_path / "card.html"
    assert main([*CERTIFY, "--user", "dummy_user", "-o", str(page)]) == 1
    [domain] = json.loads(page.with_suffix(".json").read_text())["domains"]
    assert domain["user"]["wish_missing"] == 1.0


def test_the_model_need_not_be_asked_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = ["--user", "user_simulator", "--llm", "openai/no-such", "--llm-args"]
    args = '{"api_base": "http://127.0.0.1:9", "api_key": "none", "num_retries": 0}'
    page = str(tmp_path / "card.html")
    assert main([*CERTIFY, *dead, args, "-o", page]) != 0
    assert "--no-probe" in capsys.readouterr().err
    assert main([*CERTIFY, *dead, args, "--no-probe", "-o", page]) == 1
