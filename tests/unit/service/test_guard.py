"""Who is answered, and what every answer carries."""

from __future__ import annotations

import pytest
from tests.unit.service.browsing import HOST

FORM = ("mock", "tools", "agent", "create_task")


@pytest.mark.parametrize("token", ["wrong", "", "sécret", "secre", "secretx"])
def test_only_the_token_opens_pages(browser, token):
    answer = browser.send("GET", ("mock",), token=token)
    assert answer.status_code == 403
    assert "holds the key" in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1", "127.0.0.1:1", ""]
)
def test_other_hosts_are_not_served(browser, host):
    assert browser.send("GET", ("mock",), headers={"host": host}).status_code == 421


def test_a_second_host_header_is_refused(browser):
    assert (
        browser.send("GET", ("mock",), headers=[("host", HOST), ("host", HOST)]).status_code == 421
    )


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("null", 403),
        (f"https://{HOST}", 403),
        (f"http://{HOST}", 200),
    ],
)
def test_only_forms_of_our_own_pages_are_answered(browser, origin, status):
    form = {"arg.user_id": "user_1", "arg.title": "Tea"}
    assert browser.send("POST", FORM, data=form, headers={"origin": origin}).status_code == status


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200)]
)
def test_requests_that_other_sites_cause_are_refused(browser, site, status):
    assert browser.send("GET", ("mock",), headers={"sec-fetch-site": site}).status_code == status


def test_every_answer_carries_what_keeps_it_safe(browser, monkeypatch):
    monkeypatch.setattr("tau2.service.catalog.DomainDocs.environment", property(lambda _: 1 / 0))
    answers = [
        browser.get(),
        browser.get("style.css"),
        browser.get("nowhere"),
        browser.post("mock", "restart"),
        browser.send("PUT", ("mock",)),
        browser.send("GET", token="wrong"),
        browser.get("mock"),
    ]
    assert [answer.status_code for answer in answers] == [500, 200, 404, 303, 405, 403, 500]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "script" not in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
