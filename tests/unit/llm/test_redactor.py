"""What is hidden, in whichever spelling, and what is left alone."""

from __future__ import annotations

import json
import time

import pytest

from tau2.llm.secrets import (
    REDACTED,
    Redactor,
    names_field,
    names_setting,
    redact_args,
    secrets_in_args,
    secrets_in_environment,
)

KEY = 'zx9"quoted\\key/42'


@pytest.mark.parametrize(
    "said",
    [
        f"the key {KEY} is wrong",
        json.dumps({"echo": KEY}),
        json.dumps({"arguments": json.dumps({"note": KEY})}),
        "https://host/path?q=zx9%22quoted%5Ckey%2F42",
        repr([KEY]),
    ],
)
def test_a_known_secret_is_hidden_in_every_spelling(said):
    hidden = Redactor([KEY]).text(said)
    assert "zx9" not in hidden
    assert REDACTED in hidden


@pytest.mark.parametrize(
    "said",
    [
        "sk-live-abcdefghijkl",
        "Bearer abcdefgh12345",
        "AKIAABCDEFGHIJKLMNOP",
        "ghp_abcdefghijklmnopqrstuvwxyz",
        "eyJhbGciOiJI.eyJzdWIiOiIx.abc",
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
        '{"api_key": "plainword99"}',
        '{\\"password\\": \\"plainword99\\"}',
        "http://somebody:plainword99@host/v1",
        "http://host/v1?api_key=plainword99",
    ],
)
def test_what_looks_like_a_secret_is_hidden_though_nobody_knows_it(said):
    hidden = Redactor().text(said)
    assert REDACTED in hidden
    assert "plainword99" not in hidden
    assert Redactor().text(hidden) == hidden  # hiding twice changes nothing


@pytest.mark.parametrize(
    "said",
    [
        "Please reset my password, I have forgotten it.",
        "The token of our appreciation is a 10 dollar gift card.",
        '{"order_id": "#W1234567", "payment_method_id": "credit_card_99"}',
        "Write to https://example.com/a?page=2",
    ],
)
def test_ordinary_text_stays(said):
    assert Redactor().text(said) == said


def test_data_is_hidden_at_any_depth_and_under_names_that_say_so():
    data = {"a": [{"api_key": "word", "deep": {"x": f"-{KEY}-"}}], "max_tokens": 5, "none": None}
    assert Redactor([KEY]).data(data) == {
        "a": [{"api_key": REDACTED, "deep": {"x": f"-{REDACTED}-"}}],
        "max_tokens": 5,
        "none": None,
    }
    assert Redactor().data({"pin": 1, "api_key": 1234567890, "password": {"a": ["x", 5]}}) == {
        "pin": 1,
        "api_key": REDACTED,
        "password": {"a": [REDACTED, 5]},
    }


def test_the_secrets_of_a_call_are_found_wherever_they_stand():
    args = {
        "api_key": "key-number-one",
        "api_base": "https://user:pass-number-two@host/v1",
        "extra_headers": {"X-Auth": "Token part-number-three"},
        "extra_body": {"vendor": {"client_secret": "number-four-secret"}},
        "temperature": 0.5,
    }
    found = secrets_in_args(args)
    assert {"key-number-one", "pass-number-two", "part-number-three", "number-four-secret"} <= found
    assert Redactor().with_secrets_of(args).text("pass-number-two") == REDACTED
    redactor = Redactor(found)
    assert redactor.with_secrets_of(args) is redactor


def test_the_environment_holds_keys_and_settings():
    environment = {
        "OPENAI_API_KEY": "abcd1234efgh",
        "HF_TOKEN": "token9876zz",
        "HTTP_PROXY": "http://me:proxy-secret-1@proxy:3128",
        "KEY_FILE": "/etc/keys",
        "SSH_AUTH": "/tmp/agent.1",
        "DB_PASSWORD": "password",
        "LANG": "en_US.UTF-8",
    }
    assert secrets_in_environment(environment) == {"abcd1234efgh", "token9876zz", "proxy-secret-1"}


def test_settings_and_fields_have_names_of_their_own():
    for name in ("OPENAI_API_KEY", "apiKey", "HF_TOKEN", "AWS_ACCESS_KEY_ID", "key", "X-Auth"):
        assert names_setting(name), name
    for name in ("max_tokens", "tokenizer", "prompt_cache_key", "monkey", "temperature", "author"):
        assert not names_setting(name), name
    assert names_field("client_secret")
    assert not names_field("key")


def test_stored_arguments_hold_no_secret_at_any_depth():
    args = {
        "api_base": "https://me:pass-1234@host/v1",
        "extra_body": {"vendor": {"token": "abcd-1234"}, "headers": {"X": "efgh-5678"}},
        "script": ["abcd-1234 is the token", {"max_tokens": 5}],
    }
    assert redact_args(args) == {
        "api_base": f"https://{REDACTED}@host/v1",
        "extra_body": {"vendor": {"token": REDACTED}, "headers": REDACTED},
        "script": [f"{REDACTED} is the token", {"max_tokens": 5}],
    }


@pytest.mark.parametrize(
    "piece", ["eyJ-", "\\", '"_', "bearer ", "://", "&a", "?key=", '{"password":"', '"token" ']
)
def test_long_texts_take_linear_time(piece):
    redactor = Redactor([KEY])
    began = time.process_time()
    redactor.text(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 4.0  # seconds; quadratic time takes far more
