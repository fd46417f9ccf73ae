"""Names of secrets, and names of ordinary data that resemble them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import tau2.domains
from tau2.llm.secrets import names_field, names_setting
from tau2.llm.secrets.names import rank_of


def words(text: str) -> list[str]:
    return text.split()


UNMISTAKABLE = words("""
    api_key apiKey X-Api-Key x-goog-api-key OPENAI_API_KEY OPENAI_API_KEY_1 API_KEYS AccountKey
    SharedAccessKey SECRET_KEY_BASE APP_SECRET_V2 SIGNING_KEY private_key privateKey clientSecret
    WEBHOOK_SECRET AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID password Password2 PASSWORD_PROD
    PGPASSWORD passwd passphrase cookie Set-Cookie cookies authorization proxy-authorization
    credentials vertex_credentials jwt token hf_token HF_TOKEN access-token refresh_token
    sessionToken csrf_token X-Amz-Security-Token db.password
""")

LIKELY = words("""
    pass pat pin otp key sk sig sid auth pwd passcode TOKEN_GITHUB GITHUB_PAT STRIPE_SK SMTP_PASS
    user_pass dbpass MYSQL_PWD MY_AUTH APP_KEY_BASE SENTRY_DSN PRIVATE_KEY_PEM extra_body.key
    OTEL_EXPORTER_OTLP_HEADERS GOOGLE_APPLICATION_CREDENTIALS_JSON X-Amz-Signature slacktoken
""")

ORDINARY = words("""
    task_id task_ids max_tokens token_ids max_new_tokens prompt_tokens total_tokens tokenizer tokens
    eos_token pad_token_id bos_token next_page_token token_count token_usage tokens_per_second
    keyboard keywords hotkey monkey monkey_patch passenger passengers compass bypass pass_1 pass_k
    pass_hat_1 boarding_pass first_pass pattern patch patient paternal path author authority
    auth_type cookie_domain key_error cache_key prompt_cache_key sort_key primary_key public_key
    tool_key idempotency_key signature_algorithm password_policy secretary payment_method_id sky
    desk task skill ask risk skip basket inside sidecar pinned spin opinion salted basalt
    temperature seed stop metadata
""")


@pytest.mark.parametrize("name", UNMISTAKABLE)
def test_unmistakable_names_are_secret_in_any_data(name):
    assert names_field(name)
    assert names_setting(name)


@pytest.mark.parametrize("name", LIKELY)
def test_likely_names_are_secret_among_settings_only(name):
    assert names_setting(name)
    assert not names_field(name)


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names_are_no_secrets(name):
    assert not names_setting(name)


def test_no_field_of_the_shipped_domains_is_named_like_a_secret():
    files = [*Path(tau2.domains.__file__).parent.rglob("*.json")]
    names = {name for file in files for name in _names(json.loads(file.read_text("utf-8")))}
    assert len(names) > 1000
    assert {name for name in names if names_field(name)} == set()


def _names(data) -> Iterator[str]:
    if isinstance(data, dict):
        yield from data
    for inner in data.values() if isinstance(data, dict) else data:
        if isinstance(inner, dict | list):
            yield from _names(inner)


def test_what_is_too_long_is_no_name():
    assert not rank_of("password_" * 100_000)
