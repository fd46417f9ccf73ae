"""Where a model is served and with which credentials it is called.

`llm_args` say so, else the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from tau2 import __version__
from tau2.errors import ConfigError
from tau2.llm.secrets import FlatItems, flat_items, secrets_in_args
from tau2.llm.transport.proxies import basic_authorization
from tau2.utils.text import repr_of

OPENAI_URL = "https://api.openai.com/v1"
SELF_HOSTED = ("hosted_vllm", "local")
"""Prefixes of servers that the user runs; they have no default address and get no key of OpenAI."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_HEADER_ARGUMENTS = {"organization": "OpenAI-Organization", "project": "OpenAI-Project"}
_KEY_HEADERS = frozenset({"authorization", "x-api-key"})
_FRAMING_HEADERS = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding"}
    | {"upgrade"}
)
"""Headers that describe how a request is sent; with wrong ones a server waits or misreads it."""


_MAY_BE_FOLLOWED = frozenset({"responses"})
"""Prefixes that say how, and leave room for one that says where: `responses/openai/gpt-5`."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the endpoints of one protocol have in common."""

    prefixes: tuple[str, ...]
    """Beginnings of model names, up to a slash, that are not sent."""
    url: str
    """Where models are served unless something else is said."""
    path: str
    """What follows the address."""
    address_variables: tuple[str, ...]
    key_variable: str
    token_variable: str | None = None
    """Holds a token that is sent as Bearer where there is no key."""
    key_header: str = "Authorization"
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers that the protocol wants."""


CHAT_COMPLETIONS = Service(
    prefixes=("openai", "openai_compatible", *SELF_HOSTED),
    url=OPENAI_URL,
    path="/chat/completions",
    address_variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    key_variable="OPENAI_API_KEY",
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place to post requests to."""

    url: str
    model: str
    """The name that the server knows."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """What must be hidden in anything the server says."""
    verify: bool | str = True
    """Which certificates are trusted; see `tls.tls_context`."""
    method: str = "POST"


def endpoint_of(
    model: str, args: Mapping[str, Any], service: Service = CHAT_COMPLETIONS
) -> Endpoint:
    """Return where and with which credentials `model` is called.

    Raises:
        ConfigError: The address or the key is missing, or a setting is not usable.
    """
    given = flat_items(args)
    if given is None:
        return _resolved(model, args, service)
    return _resolved_once(model, given, service, tuple(map(os.environ.get, _variables(service))))


@lru_cache(maxsize=64)
def _resolved_once(
    model: str, given: FlatItems, service: Service, _environment: tuple[str | None, ...]
) -> Endpoint:
    """Do what `endpoint_of` does, once for all calls of a run that name the same place."""
    return _resolved(model, {name: value for name, _kind, value in given}, service)


@cache
def _variables(service: Service) -> tuple[str, ...]:
    """Return the variables that an endpoint may be taken from."""
    own = (service.key_variable, service.token_variable or "", *service.address_variables)
    return (*own, "HOSTED_VLLM_API_BASE", "HOSTED_VLLM_API_KEY")


def _resolved(model: str, args: Mapping[str, Any], service: Service) -> Endpoint:
    prefix, name = _split(model, service)
    base = _base(model, prefix, args, service)
    address = _address(base, service.path)
    credentials = _credentials(prefix, args, service)
    if credentials.key is None and base == service.url:
        raise ConfigError(
            f"no API key for model {model!r}: set {service.key_variable}, give api_key in the "
            "model's arguments, or give api_base if another server serves it"
        )
    return Endpoint(
        url=_with_query(address.url, args),
        model=name,
        headers=_headers(args, credentials, address, service),
        secrets=secrets_in_args({**args, "api_key": credentials.key}).union(address.secrets),
        verify=_verify(args.get("ssl_verify")),
    )


def _split(model: str, service: Service) -> tuple[str, str]:
    """Return the last prefix of a model's name that is not sent, and what is sent."""
    found = ""
    prefix, _, rest = model.partition("/")
    while rest and prefix in service.prefixes:
        found = prefix
        model = rest
        prefix, _, rest = model.partition("/")
        if found not in _MAY_BE_FOLLOWED:
            break
    return found, model


def _with_query(url: str, args: Mapping[str, Any]) -> str:
    """Return an address with the parameters that the arguments add to it."""
    added: dict[str, str] = {}
    if args.get("api_version"):
        added["api-version"] = _as_text("api_version", args["api_version"])
    for name in ("default_query", "extra_query"):
        added.update(_given_texts(name, args.get(name)))
    if not added:
        return url
    parts = urlsplit(url)
    kept = [
        (key, value)
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
        if key not in added
    ]
    try:
        query = urlencode([*kept, *added.items()])
    except UnicodeEncodeError as error:
        raise ConfigError("a parameter of the address holds half a character") from error
    return parts._replace(query=query).geturl()


def _base(model: str, prefix: str, args: Mapping[str, Any], service: Service) -> str:
    given = args.get("api_base") or args.get("base_url")
    if given:
        return _as_text("api_base", given)
    names = ["HOSTED_VLLM_API_BASE"] if prefix == "hosted_vllm" else []
    names += service.address_variables
    found = next((os.environ[name] for name in names if os.environ.get(name)), None)
    if found is None and prefix in SELF_HOSTED:
        raise ConfigError(
            f"no address for model {model!r}: give api_base in the model's arguments "
            f"(for example api_base=http://127.0.0.1:8000/v1) or set {' or '.join(names)}"
        )
    return found or service.url


@dataclass(frozen=True, slots=True)
class _Credentials:
    key: str | None = field(repr=False)
    is_token: bool = False
    """Whether it is sent as Bearer, whatever header the service has for keys."""


def _credentials(prefix: str, args: Mapping[str, Any], service: Service) -> _Credentials:
    variable = "HOSTED_VLLM_API_KEY" if prefix in SELF_HOSTED else service.key_variable
    for given, is_token in (
        (args.get("api_key"), False),
        (args.get("azure_ad_token"), True),
        (os.environ.get(variable), False),
        (os.environ.get(service.token_variable or ""), True),
    ):
        if given is not None:
            return _Credentials(_as_text("api_key", given).strip() or None, is_token)
    return _Credentials(None)


@dataclass(frozen=True, slots=True)
class _Address:
    """What api_base says."""

    url: str
    """Where to post to; without credentials."""
    authorization: str | None = None
    """The header for the user and password in the address."""
    secrets: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def _address(base: str, service_path: str) -> _Address:
    parts = _parts(base.strip())
    if parts is None:
        raise ConfigError(
            f"api_base must be an http or https address such as {OPENAI_URL}; the one given is not"
        )
    path = _joined(parts.path.rstrip("/"), service_path)
    location = parts.netloc.rpartition("@")[2]
    url = parts._replace(netloc=location, path=path, fragment="").geturl()
    if parts.username is None:
        return _Address(url)
    authorization = basic_authorization(parts)
    # A user without a password is usually a token.
    secret = unquote(parts.password or parts.username)
    return _Address(url, authorization, (secret, authorization.removeprefix("Basic ")))


def _joined(path: str, end: str) -> str:
    """Return a path that ends as the service's does; what it has of that already is not added."""
    if path.endswith(end):
        return path
    version = "/v1"
    if end.startswith(f"{version}/") and path.endswith(version):
        end = end.removeprefix(version)
    return path + end


def _parts(base: str) -> SplitResult | None:
    """Return the parts of an address that can be posted to, or None."""
    try:
        base.encode()  # half a character is none
        parts = urlsplit(base)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except (
        ValueError
    ):  # a port that is no number, brackets that do not match, a host that cannot be
        return None
    return parts if usable and _HEADER_VALUE.fullmatch(parts.path + parts.query) else None


def _headers(
    args: Mapping[str, Any], credentials: _Credentials, address: _Address, service: Service
) -> tuple[tuple[str, str], ...]:
    """Return the headers of a request. The caller's replace ours, whatever their case.

    A key from the arguments is preferred to a user and password in the address, and these to a key
    from the environment, which may belong to another server.
    """
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"tau2/{__version__}",
        **dict(service.headers),
    }
    key = credentials.key
    is_bearer = credentials.is_token or service.key_header == "Authorization"
    if address.authorization is not None and args.get("api_key") is None:
        headers["Authorization"] = address.authorization
    elif key is not None and is_bearer:
        headers["Authorization"] = f"Bearer {key}"
    elif key is not None:
        headers[service.key_header] = key
    for argument, header in _HEADER_ARGUMENTS.items():
        if args.get(argument):
            headers[header] = _as_text(argument, args[argument]).strip()
    named = {name.lower(): (name, value) for name, value in headers.items()}
    for argument in ("default_headers", "headers", "extra_headers"):
        # Spaces around a value are not part of it, and httpx refuses them.
        texts = _given_texts(argument, args.get(argument))
        for name, value in ((name, text.strip(" ")) for name, text in texts.items()):
            named[name.lower()] = (name, value)
    return tuple((name, _header_value(name, value)) for name, value in named.values())


def _given_texts(name: str, given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        kind = "header names" if name.endswith("headers") else "names"
        raise ConfigError(
            f"{name} must be a mapping of {kind} to values, not {type(given).__name__}"
        )
    return {_as_text(name, key): _as_text(name, value) for key, value in given.items()}


def _as_text(name: str, value: object) -> str:
    """Return the value of a setting as text. Raise ConfigError naming the setting."""
    try:
        return str(value)
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits, for one
        raise ConfigError(f"{name} holds a value that cannot be sent") from error


def _header_value(name: str, value: str) -> str:
    """Return `value` when it may stand in a header; the error names the header, not the value."""
    if not _HEADER_NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot be the name of an HTTP header")
    if name.lower() in _FRAMING_HEADERS:
        raise ConfigError(
            f"the header {name!r} is set by the HTTP client; take it out of the headers"
        )
    if not _HEADER_VALUE.fullmatch(value):
        source = "the API key" if name.lower() in _KEY_HEADERS else f"the header {name!r}"
        raise ConfigError(
            f"{source} holds characters that HTTP does not allow, such as a line break; "
            "check how it is set"
        )
    return value


def _verify(given: Any) -> bool | str:
    if given is None:
        return True
    if isinstance(given, bool) or (isinstance(given, str) and given):
        return given
    raise ConfigError(
        "ssl_verify must be true, false, or the path of a file or folder with certificates, "
        f"not {repr_of(given)}"
    )
