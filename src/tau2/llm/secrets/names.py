"""Names of secrets: whether a field, an argument, a variable or a header of a name holds one.

A name is read as words: `DB_PASSWORD`, `dbPassword`, `db-password` and `db.password` are the words
"db" and "password". Some words are unmistakable (`password`, `api_key`, `token`). Others are
likely only where secrets are expected (`key`, `pass`, `sk`): among the arguments of a model and
the variables of the environment, or beside a value that looks generated.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

PRIVATE_ARGS = frozenset(
    {
        "api_key",
        "api_base",
        "base_url",
        "extra_headers",
        "headers",
        "default_headers",
        "extra_query",
        "default_query",
        "organization",
        "project",
        "rpm",
        "tpm",
        "azure_ad_token",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "vertex_credentials",
        "ssl_verify",
    }
)
"""Arguments that say where, as whom and how fast, not what: no part of a request's identity."""

SECRET_ARGS = PRIVATE_ARGS - {
    "api_base",
    "base_url",
    "ssl_verify",
    "organization",
    "project",
    "rpm",
    "tpm",
}
"""Arguments that are secret as a whole, whatever they hold."""

PLAIN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "anthropic-beta",
        "anthropic-version",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "host",
        "http-referer",
        "openai-beta",
        "referer",
        "user-agent",
        "x-title",
    }
)
"""Headers whose value is no secret; every other header may hold one."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MOST_NAMES = 4096  # whose answer is kept
_LONGEST_NAME = 128  # characters; what is longer is no name

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_VERSION = re.compile(r"v?\d+|old|new|prod|dev|staging|test|live|base|primary|secondary|value")

_SURE = _words(
    "apikey apikeys apitoken authtoken accesstoken accesskey authorization bearer clientsecret "
    "cookie cookies credential credentials jwt passphrase passphrases passwd password passwords "
    "privatekey secret secretkey secrets sessiontoken"
)
"""Words that say "secret" wherever they end a name."""
_SURE_END = re.compile(r".{0,40}(?:password|passwd|passphrase|apikey|secretkey|accesskey|secret)")
"""Names of one word, such as PGPASSWORD."""
_SURE_KEYS = _words(
    "access account api auth deploy encryption master private secret service shared signing ssh "
    "subscription"
)
"""What stands before "key" where it is a secret."""

_LIKELY = _words(
    "auth creds csrf dsn hmac key keys otp pass passcode pat pin pwd salt sas sessid sessionid sid "
    "sig signature sk webhook"
)
"""Words that may say "secret": believed of arguments, variables, and of generated values."""
_LIKELY_END = re.compile(
    r".{1,40}(?:token|cookie|pwd)"
    r"|(?:admin|db|ftp|ldap|mail|my|mysql|pg|proxy|redis|root|smtp|sql|ssh|user)pass"
)

_ABOUT = _words(
    "algorithm allowed budget bytes class classes clip cost count counts created date dir dirs "
    "domain enabled endpoint env error errors exists expires expiry expired field fields file "
    "files folder format gap healing hint home host id ids index indices kind lag length level "
    "levels limit limits logprob logprobs loss manager map mask max mean merging method min mode "
    "name names number offset offsets owner parallelism path paths per policy port position "
    "positions price prices provider ratio rate rates regex region required reset scheme scope "
    "scopes score scores size sizes sock socket source span spans state status store strategy "
    "timeout title total ttl type types uri url usage used version window"
)
"""Last words of a name that says something about a secret, or counts what is called a token."""
_PLAIN_TOKENS = _words(
    "all any bos cls continue continuation cursor end eos eot first image last mask max min new "
    "next num pad page per prev previous sep special start stop sync think total unk"
)
_PLAIN_KEYS = _words(
    "answer cache column composite dedup dict enter field foreign function gold group hash hot "
    "idempotency index json line map object order partition primary public record row sort "
    "shortcut tool user"
)
_PLAIN_PASSES = _words(
    "all backward boarding bus day did first forward full hall has is may multi mountain must n "
    "num one rail second should single ski the third two will"
)


class NameRank(IntEnum):
    """How surely a name says that its value is a secret."""

    PLAIN = 0
    LIKELY = 1
    SURE = 2


def names_field(name: str) -> bool:
    """Return whether a field of this name, in any data, holds a secret."""
    return rank_of(name) is NameRank.SURE


def names_setting(name: str) -> bool:
    """Return whether an argument or a variable of this name is meant to hold a secret.

    Wider than `names_field`: "key" alone is a secret among the arguments of a model, and a primary
    key in a database.
    """
    return rank_of(name) is not NameRank.PLAIN


@lru_cache(maxsize=_MOST_NAMES)
def names_headers(name: str) -> bool:
    """Return whether the name is one of a mapping of HTTP headers."""
    return words_of(name)[-1:] == ("headers",)


@lru_cache(maxsize=_MOST_NAMES)
def rank_of(name: str) -> NameRank:
    """Return how surely a field, argument, variable or header of this name holds a secret."""
    if name in SECRET_ARGS:
        return NameRank.SURE
    words = words_of(name)
    if not words or (words[-1] in _ABOUT and not _is_identity(words)):
        return NameRank.PLAIN
    return max(_rank_at(words, at) for at in range(len(words)))


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case; none of what is too long to be one."""
    if len(name) > _LONGEST_NAME:
        return ()
    return tuple(word.lower() for word in _BOUNDARY.split(name) if word)


def _is_identity(words: tuple[str, ...]) -> bool:
    """Return whether a name ends as `aws_access_key_id` does, which is half of a secret."""
    return words[-1] == "id" and words[-2:-1] == ("key",) and words[-3:-2] != ()


def _rank_at(words: tuple[str, ...], at: int) -> NameRank:
    """Return what the word at this place says of the whole name."""
    # A number at the end of a word counts: `PASSWORD2`.
    word = words[at].rstrip("0123456789") or words[at]
    before = words[at - 1] if at else ""
    is_last = all(_VERSION.fullmatch(later) for later in words[at + 1 :])
    if word in {"token", "tokens"}:
        return _rank_of_token(words, at, is_last=is_last)
    if word in {"key", "keys"} and before in _SURE_KEYS:
        # "key" may be followed by "id" and by "base": `AWS_ACCESS_KEY_ID`, `SECRET_KEY_BASE`.
        ends = is_last or words[at + 1 :] == ("id",)
        return NameRank.SURE if ends else NameRank.LIKELY
    if word in _SURE or (len(word) > len("secret") and _SURE_END.fullmatch(word)):
        return NameRank.SURE if is_last else NameRank.LIKELY
    if word in _LIKELY or _LIKELY_END.fullmatch(word):
        return NameRank.PLAIN if _is_ordinary(words, at) else NameRank.LIKELY
    if word == "headers" and is_last:
        return NameRank.LIKELY
    return NameRank.PLAIN


def _rank_of_token(words: tuple[str, ...], at: int, *, is_last: bool) -> NameRank:
    before = words[at - 1] if at else ""
    # "tokens" are counted; only of what has a secret's name before it are they secrets.
    if words[at] == "tokens" and before not in {"access", "api", "auth", "bearer", "refresh"}:
        return NameRank.PLAIN
    if before in _PLAIN_TOKENS:
        return NameRank.PLAIN
    return NameRank.SURE if is_last else NameRank.LIKELY


def _is_ordinary(words: tuple[str, ...], at: int) -> bool:
    """Return whether a likely word means something else here: `sort_key`, `first_pass`, `pat`."""
    word = words[at]
    before = words[at - 1] if at else ""
    rest = words[at + 1 :]
    if word in {"key", "keys"}:
        return before in _PLAIN_KEYS or rest[:1] in {("error",), ("points",), ("words",)}
    if word == "pass":
        return before in _PLAIN_PASSES or (rest != () and not re.fullmatch(r"v\d+", rest[-1]))
    if word in {"pat", "pin", "salt", "sk", "sid", "sig", "webhook"}:
        return not all(_VERSION.fullmatch(later) for later in rest)
    return False
