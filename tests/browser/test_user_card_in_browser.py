"""The report card of a user in a real browser: it opens, complains of nothing, asks for nothing."""

from __future__ import annotations

import pytest
from tests.browser.chromium import browser, needs_chromium

from tau2.cli import main

pytestmark = [needs_chromium, pytest.mark.timeout(300)]


def test_a_card_shows_its_demands_and_runs_nothing(tmp_path):
    script = tmp_path / "user.json"
    script.write_text('["<img src=x onerror=window.hit=1> Let me look up your account."]')
    page = tmp_path / "card.html"
    command = ["users", "certify", "--domain", "mock", "--num-tasks", "2", "-o", str(page)]
    main([*command, "--user", "user_simulator", "--llm", f"scripted/{script}"])
    with browser(tmp_path / "profile") as chromium:
        chromium.open(page.as_uri())
        shown = chromium.ask("document.body.innerText")
        assert "Not certified" in shown
        assert "speaks_as_agent" in shown
        assert chromium.ask("window.hit === undefined")
        assert chromium.console == []
        assert all(request.startswith("file:") for request in chromium.requests)
