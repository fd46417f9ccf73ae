"""Secrets in text of which nothing is known, and ordinary text that stays as it is."""

from __future__ import annotations

import base64
import json

import pytest

from tau2.llm.secrets import REDACTED, Redactor, redact

VALUE = "Zq81our9secret2X"
PLAIN = "plain\"word'99"

PLACES = {
    "JSON": json.dumps({"a": 1, "NAME": VALUE}),
    "JSON within JSON": json.dumps({"text": json.dumps({"NAME": VALUE})}),
    "JSON within JSON within JSON": json.dumps([json.dumps([json.dumps({"NAME": VALUE})])]),
    "a printed dictionary": repr({"a": 1, "NAME": VALUE}),
    "a printed dictionary within JSON": json.dumps(repr({"NAME": VALUE})),
    "printed pairs": repr([("NAME", VALUE)]),
    "a shell": f"export NAME={VALUE}; run",
    "a quoting shell": f"NAME='{VALUE}' run",
    "spaces around the equals sign": f"NAME = {VALUE}",
    "a header": f"GET / HTTP/1.1\r\nNAME: {VALUE}\r\nAccept: */*",
    "YAML": f"settings:\n  NAME: {VALUE}\n",
    "a query": f"https://host/v1?a=1&NAME={VALUE}&b=2",
    "an option": f"tool --NAME {VALUE} --verbose",
    "an option with an equals sign": f"tool --NAME={VALUE}",
    "a call": f"Client(NAME='{VALUE}', retries=2)",
}
NAMES = ("api_key", "apiKey", "OPENAI_API_KEY", "client_secret", "password", "PGPASSWORD", "token",
         "refresh_token", "SECRET_KEY_BASE", "STRIPE_SK", "GITHUB_PAT", "pass", "auth", "key",
         "APP_SECRET_V2", "TOKEN_GITHUB", "x-api-key", "dbpass", "passphrase",
         "credentials")  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMES)
def test_a_named_value_is_hidden_wherever_it_stands(name, place):
    hidden = Redactor().text(PLACES[place].replace("NAME", name))
    assert VALUE not in hidden
    assert REDACTED in hidden
    assert Redactor().text(hidden) == hidden


@pytest.mark.parametrize("place", [place for place in PLACES if place.startswith("JSON")])
def test_json_stays_json(place):
    json.loads(Redactor().text(PLACES[place].replace("NAME", "api_key")))


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_a_value_with_quotes_and_backslashes_is_hidden_as_a_whole(levels):
    text = json.dumps({"password": 'be"hind\\', "next": 1})
    for _ in range(levels - 1):
        text = json.dumps([text])
    hidden = Redactor().text(text)
    assert ("be" in hidden, "hind" in hidden, "next" in hidden) == (False, False, True)
    json.loads(hidden)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Basic {base64.b64encode(b'me:it').decode()}\n",
        "Authorization: Bearer short1",
        "Cookie: a=1; session=abc; theme=dark\n",
        "Set-Cookie: id=a3fWa; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        '{"headers": {"X-Team": "us", "X-Auth": "them"}, "n": 1}',
        "headers={'X-Team': 'us'}",
        '{"cookies": {"session": "abc"}}',
        '{"authorization": ["Bearer x"]}',
        '{"api_key": 12345678}',
    ],
)
def test_headers_cookies_lists_and_numbers_are_hidden(text):
    hidden = Redactor().text(text)
    assert REDACTED in hidden
    for part in ("bWU6", "short1", "abc", "dark", "a3fWa", "us'", '"us"', "them", "rer x", "1234"):
        assert part not in hidden


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-abcdef123456", "sk_live_abcdef123456", "gsk_abcdefgh1234", "xai-abcdefgh1234",
        "AKIAABCDEFGHIJKLMNOP", "ASIAABCDEFGHIJKLMNOP", "ghp_abcdefghijklmnopqrstuvwxyz",
        "github_pat_11AAAAAAA0abcdefghijkl", "glpat-abcdefghij1234567890", "hf_" + "a1" * 15,
        "xoxb-123456789012-abc",
        "npm_" + "a1" * 18, "pypi-AgEIcHlwaS5vcmc1234567", "hvs." + "a1" * 12,
        "eyJhbGciOiJI.eyJzdWIiOiIx.abc", "ya29.a0AfH6SMBxxxxxxxxxxxxx", "dckr_pat_" + "a1" * 10,
        "https://hooks.slack.com/services/T000/B000/XXXX1234", "nvapi-" + "a1" * 12,
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 3,
        "-----BEGIN OPENSSH PRIVATE KEY-----\\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\n" * 3,
        "Bearer abc.def-ghi", "bearer 0123456789", "https://me:se@cret@host/v1",
        "postgres://me:secret@db/x", "https:\\/\\/me:secret@host",
    ],
)  # fmt: skip
def test_forms_of_keys_are_hidden(text):
    hidden = redact(f"before {text}, after")
    assert hidden.startswith("before ")
    assert hidden.endswith(", after")
    assert REDACTED in hidden
    for part in ("MIIE", "secret@", "cret@", "abc", "XXXX", "a1a1"):
        assert part not in hidden.replace("before", "")


@pytest.mark.parametrize(
    "text",
    [
        "Please reset my password, I have forgotten it.",
        "My password: please do not ask for it. The token: none.",
        "The token of our appreciation is a 10 dollar gift card.",
        "The bearer of these bearer documents may enter. Basic authentication is enough.",
        "Authorization: required for refunds over $100.",
        '{"order_id": "#W1234567", "payment_method_id": "credit_card_1000012"}',
        '{"task_id": "create_task_1", "max_tokens": 4096, "token_ids": [1, 2, 3]}',
        '{"key": "value", "pass": "yes", "pin": "1234", "keyboard": "Zq81our9secret2X"}',
        '{"passengers": [{"first_name": "Uma", "last_name": "Quill"}], "cabin": "economy"}',
        "sorted(rows, key=lambda row: row.total)",
        "Write to https://example.com/a?page=2&sort_key=name or https://medium.com/@someone",
        "pass^1 is 0.5; monkey_patch=yes; prompt_cache_key=0123456789ab",
        "The sky-blue desk-lamp is at risk-free price; ask-me-anything.",
        "confirmation ZQX045, flight ZQX-271, user uma_quill_1234, item 1000200030",
        "tau2 run --domain mock --task-ids create_task_1 --max-steps 12",
        "git commit 9e04d76aa12bb34cc56dd78ee90ff12aa34bb56",
    ],
)
def test_ordinary_text_stays(text):
    assert Redactor().text(text) == text
    assert Redactor().data({"content": text}) == {"content": text}


def test_a_secret_that_a_message_cuts_is_hidden_as_far_as_it_goes():
    secret = "Zq81-our-own-secret-92"
    for end in ("", "'", "…", '"...'):
        assert redact(f"the server says: {secret[:14]}{end}", [secret]).count("Zq81") == 0
    assert redact("the end is Zq81", [secret]) == "the end is Zq81"  # too short to tell


@pytest.mark.parametrize("before", ["", "m", "me", "me:"])
def test_a_known_secret_is_hidden_in_base64(before):
    secret = "Zq81-our/own+secret~92"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(f"{before}{secret} and more".encode()).decode()
        hidden = redact(f"Basic: {encoded}", [secret])
        left = hidden.partition(REDACTED)
        assert left[1] == REDACTED
        # Only characters that also depend on the neighbours remain.
        assert len(left[0].removeprefix("Basic: ")) <= len(before) * 4 / 3 + 2
