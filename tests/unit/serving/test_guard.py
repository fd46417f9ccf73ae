"""The guard by itself: WebSockets, the start of a server, and what the application receives."""

from __future__ import annotations

import asyncio

import pytest

from tau2.serving.guard import Guard

HOST = "127.0.0.1:8000"


class Application:
    """Takes note of what came through."""

    def __init__(self):
        self.scopes = []
        self.messages = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        self.messages.append(await receive())


def answered(app, *messages, body="json", **scope):
    """Return what a guard sends, for a request that the messages make up."""
    guard = Guard(app, "secret", lambda: [HOST], body=body)
    pending = list(messages or [{"type": "http.request", "body": b""}])
    sent = []

    async def receive():
        if not pending:
            await asyncio.sleep(3600)
        return pending.pop(0)

    async def send(message):
        sent.append(message)

    headers = [(b"host", HOST.encode()), *scope.pop("headers", ())]
    asked = {"type": "http", "method": "GET", "path": "/secret/x", "scheme": "http", **scope}
    asyncio.run(guard({**asked, "headers": headers}, receive, send))
    return sent


def pieces(*parts):
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    return [*messages, {"type": "http.request", "body": b""}]


JSON = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]


def test_the_application_gets_the_body_in_one_piece():
    app = Application()
    assert answered(app, *pieces(b'{"a"', b": 1}"), method="POST", headers=JSON) == []
    assert app.messages[0]["body"] == b'{"a": 1}'
    assert app.scopes[0]["root_path"] == "/secret"


@pytest.mark.parametrize("content", [b"{", b'{"a": NaN}', b'"\\udc00"', b"[" * 100_000])
def test_what_is_no_json_does_not_come_through(content):
    app = Application()
    sent = answered(app, *pieces(content), method="POST", headers=JSON)
    assert sent[0]["status"] == 400
    assert app.scopes == []


def test_a_request_that_ends_in_its_middle_does_not_come_through():
    app = Application()
    messages = [*pieces(b"{")[:1], {"type": "http.disconnect"}, {"type": "http.disconnect"}]
    assert answered(app, *messages, method="POST", headers=JSON)[0]["status"] == 400
    assert app.scopes == []


def test_a_request_with_a_second_token_is_refused():
    twice = [(b"authorization", b"Bearer secret"), (b"authorization", b"Bearer secret")]
    app = Application()
    guard = Guard(app, "secret", lambda: [HOST], place="header")
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/", "scheme": "http"}
    scope["headers"] = [(b"host", HOST.encode()), *twice]
    asyncio.run(guard(scope, receive, send))
    assert sent[0]["status"] == 401
    assert (b"www-authenticate", b"Bearer") in sent[0]["headers"]


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/wrong/ws", None),
        ("/secret/ws", (b"origin", b"http://evil.example")),
        ("/secret/ws", (b"host", b"evil.example")),
    ],
)
def test_a_websocket_is_refused_before_it_is_accepted(path, header):
    app = Application()
    headers = [header] if header else []
    connect = {"type": "websocket.connect"}
    sent = answered(app, connect, type="websocket", path=path, scheme="ws", headers=headers)
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert app.scopes == []


def test_a_websocket_of_our_own_page_comes_through():
    app = Application()
    headers = [(b"origin", f"http://{HOST}".encode())]
    connect = {"type": "websocket.connect"}
    answered(app, connect, type="websocket", path="/secret/ws", scheme="ws", headers=headers)
    assert app.messages == [connect]


def test_an_idle_websocket_ends(monkeypatch):
    monkeypatch.setattr("tau2.serving.guard.IDLE_SECONDS", 0.01)
    received = []

    async def app(_scope, receive, _send):
        received.extend([await receive(), await receive()])

    answered(app, {"type": "websocket.connect"}, type="websocket", path="/secret/ws", scheme="ws")
    assert [message["type"] for message in received] == [
        "websocket.connect",
        "websocket.disconnect",
    ]


def test_the_start_of_a_server_comes_through():
    app = Application()
    answered(app, {"type": "lifespan.startup"}, type="lifespan")
    assert app.messages == [{"type": "lifespan.startup"}]


@pytest.mark.parametrize(
    ("accepted", "host", "is_served"),
    [
        (["127.0.0.1"], "127.0.0.1:1", True),
        (["127.0.0.1:8000"], "127.0.0.1:1", False),
        (["[::1]"], "[::1]:8000", True),
        (["*"], "anything.example:1", True),
        (["tau2.example"], "tau2.example.evil", False),
        (["tau2.example"], "tau2.example:x", False),
        (["tau2.example"], "", False),
    ],
)
def test_hosts_with_and_without_ports(accepted, host, is_served):
    assert Guard(None, "", lambda: accepted)._is_served(host) is is_served


BEARER = (b"authorization", b"Bearer secret")


def refused(**rules):
    """Return the status and the body with which a guard refuses a request for /mine."""
    guard = Guard(Application(), "secret", lambda: [HOST], place="header", **rules)
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    headers = [(b"host", HOST.encode()), BEARER]
    asked = {"type": "http", "method": "GET", "path": "/mine", "scheme": "http"}
    asyncio.run(guard({**asked, "headers": headers}, receive, send))
    return (sent[0]["status"], sent[1]["body"].decode()) if sent else None


def test_tokens_may_open_paths_of_their_own():
    assert refused(opens=lambda path, token: (path, token) == ("/mine", "secret")) is None
    status, body = refused(opens=lambda *_: False, not_opened="it is of another session")
    assert (status, body) == (401, "it is of another session\n")
    status, body = refused(opens=lambda *_: False, error_body=lambda reason: {"error": reason})
    assert (status, body) == (401, '{"error": "this token is wrong"}')
