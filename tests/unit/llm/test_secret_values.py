"""Which values of arguments, settings and variables are secrets."""

from __future__ import annotations

import base64
import json

import pytest

from tau2.llm.secrets import Redactor, redact_args, secrets_in_args, secrets_in_environment

VALUE = "Zq81our9secret2X"


@pytest.mark.parametrize(
    "name",
    ["SMTP_PASS", "PASSPHRASE", "GITHUB_PAT", "SESSION_COOKIE", "SECRET_KEY_BASE", "APP_SECRET_V2",
     "TOKEN_GITHUB", "STRIPE_SK", "OTEL_EXPORTER_OTLP_HEADERS", "dbPassword"],
)  # fmt: skip
def test_variables_are_known_by_their_names(name):
    assert VALUE in secrets_in_environment({name: VALUE})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICE_ACCOUNT", json.dumps({"type": "x", "private_key": VALUE})),
        ("SETTINGS", json.dumps({"a": [{"b": json.dumps({"clientSecret": VALUE})}]})),
        ("STORAGE", f"Protocol=https;AccountName=us;AccountKey={VALUE};Suffix=x"),
        ("SERVERS", f"use https://a.example or https://me:{VALUE}@b.example/x, please"),
        ("DATABASE_URL", f"postgres://me:{VALUE}@db/x"),
        ("INDEX", f"https://x/?token={VALUE}"),
        ("HOOK", f"https://x/services/{VALUE}/run?sig={VALUE}"),
        ("OTLP_HEADERS", f"api-key={VALUE},x-team=us"),
        ("SESSION_COOKIE", f"theme=dark; session={VALUE}; Path=/; HttpOnly"),
        ("AUTH_HEADER", f"Basic {base64.b64encode(f'me:{VALUE}'.encode()).decode()}"),
        ("DEPLOY_SSH_KEY", f"-----BEGIN PRIVATE KEY-----\n{VALUE}\n-----END PRIVATE KEY-----"),
    ],
)
def test_secrets_within_values_are_known(name, value):
    found = secrets_in_environment({name: value})
    assert "[redacted]" in Redactor(found).known(f"I saw {VALUE}")
    assert not {"dark", "HttpOnly", "us", "https"} & found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEY_FILE", "/etc/keys/first.pem"), ("SSH_AUTH_SOCK", "/tmp/agent.1"), ("PWD", "/home/me"),
        ("COOKIE_DOMAIN", "example.com"), ("AUTH_TYPE", "basic-auth"), ("DB_PASSWORD", "password"),
        ("MAX_TOKENS", "1000000000"), ("TOKENIZERS_PARALLELISM", "false-please"),
        ("LANG", "en_US.UTF-8"), ("API_KEY", "EMPTY"), ("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"),
        ("LS_COLORS", "rs=0:di=01;34:ln=01;36"), ("PASSENGER_APP_ENV", "production"),
    ],
)  # fmt: skip
def test_settings_are_no_secrets(name, value):
    assert secrets_in_environment({name: value}) == frozenset()


def test_a_key_in_base64_that_begins_with_a_slash_is_no_path():
    key = "/Zq81our9secret2XabcdefGHIJ"
    assert key in secrets_in_environment({"ACCOUNT_KEY": key})


@pytest.mark.parametrize(
    "args",
    [
        {"extra_body": {"key": VALUE}},
        {"extra_body": {"auth": {"value": VALUE}}},
        {"extra_body": {"credentials": {"user": "somebody", "value": VALUE}}},
        {"extra_body": {"config": json.dumps({"apiKey": VALUE})}},
        {"extra_body": {"options": f"region=eu;password={VALUE}"}},
        {"extra_body": {"myHeaders": {"X-Team": VALUE}}},
        {"default_headers": {"Cookie": f"a=b; session={VALUE}"}},
        {"extra_query": {"code": VALUE}},
        {"fallbacks": [{"model": "x", "api_key": VALUE}]},
        {"api_base": f"https://me:{VALUE}@host/v1"},
        {"api_base": f"https://host/v1?sig={VALUE}"},
        {"extra_body": {"pat": VALUE}},
        {"extra_body": {"note": f"token: {VALUE}, or so"}},
        {"extra_body": {"stripe_sk": VALUE}},
    ],
)
def test_secrets_of_arguments_are_known_and_not_shown(args):
    assert "[redacted]" in Redactor(secrets_in_args(args)).known(f"I saw {VALUE}")
    assert VALUE not in json.dumps(redact_args(args))


def test_ordinary_arguments_are_shown_as_they_are():
    args = {
        "temperature": 0.5, "max_tokens": 4096, "seed": 12345678, "stop": ["###STOP###"],
        "extra_body": {"prompt_cache_key": "task-1234567890ab", "token_ids": [1, 2],
                       "metadata": {"team": "research", "run": "20260101_mock_0123456789ab"}},
        "eos_token": "<|endoftext|>", "api_base": "http://127.0.0.1:8000/v1",
    }  # fmt: skip
    assert redact_args(args) == args
    assert secrets_in_args(args) == frozenset()


def test_a_secret_that_is_part_of_the_mark_damages_nothing():
    assert Redactor(["redacted"]).text("[redacted] redacted") == "[redacted] redacted"


def test_numbers_may_be_secrets_and_huge_ones_are_none():
    assert secrets_in_args({"password": 1234567890}) == {"1234567890"}
    assert secrets_in_args({"password": 10**5000, "max_tokens": 1234567890}) == frozenset()
