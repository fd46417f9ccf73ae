"""Speech services: what they are sent, and that no failure becomes silence."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tau2.errors import ConfigError, SpeechFailed
from tau2.llm.clock import clock
from tau2.llm.failure import unreachable
from tau2.llm.transport.endpoint import Endpoint
from tau2.llm.transport.response import HttpResponse
from tau2.voice.speech import service as service_module
from tau2.voice.speech.protocols import Voice
from tau2.voice.speech.registry import RECOGNIZERS, SYNTHESIZERS
from tau2.voice.speech.service import ServiceSettings, SpeechService

PCM = (np.sin(np.arange(2400) / 5) * 8000).astype("<i2").tobytes()
ELEVENLABS = "https://api.elevenlabs.io/v1/text-to-speech"
SECRET = "sk-a-secret-of-this-test-0123456789"


class FakeClock:
    """Time passes only by waiting."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def now(self) -> float:
        return sum(self.waited)

    def wall(self) -> float:
        return 1e9 + sum(self.waited)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


class FakeServer:
    """Answers with what it was told, the last again and again, and remembers the requests."""

    def __init__(self) -> None:
        self.answers: list[HttpResponse | Exception] = [HttpResponse(200, {}, PCM)]
        self.seen: list[tuple[Endpoint, bytes]] = []

    def post(self, endpoint: Endpoint, body: bytes, seconds: float) -> HttpResponse:
        assert seconds <= 60
        self.seen.append((endpoint, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeServer:
    for variable in ("ELEVENLABS_API_KEY", "OPENAI_API_KEY", "CARTESIA_API_KEY"):
        monkeypatch.setenv(variable, SECRET)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("TAU2_CACHE_DIR", str(tmp_path))
    fake = FakeServer()
    monkeypatch.setattr(service_module, "post", fake.post)
    return fake


@pytest.fixture
def time() -> Iterator[FakeClock]:
    fake = FakeClock()
    token = clock.set(fake)
    yield fake
    clock.reset(token)


def status(code: int, text: str = "", **headers: str) -> HttpResponse:
    return HttpResponse(code, headers, text.encode())


@pytest.mark.parametrize(
    ("name", "url", "header"),
    [
        (
            "elevenlabs/eleven_flash_v2_5",
            f"{ELEVENLABS}/EXAVITQu4vr4xnSDxMaL?output_format=pcm_24000",
            ("xi-api-key", SECRET),
        ),
        (
            "openai",
            "https://api.openai.com/v1/audio/speech",
            ("Authorization", f"Bearer {SECRET}"),
        ),
        (
            "cartesia",
            "https://api.cartesia.ai/tts/bytes",
            ("Authorization", f"Bearer {SECRET}"),
        ),
    ],
)
def test_a_text_is_sent_as_it_is_spoken(
    server: FakeServer, name: str, url: str, header: tuple[str, str]
) -> None:
    engine = SYNTHESIZERS.get(name, concurrency=3)
    speech = engine.synthesize("It is #W23 for you.", Voice(speed=1.1), seed=7)
    assert speech.sample_rate == 24000
    assert speech.seconds == pytest.approx(0.1)
    assert [word.text for word in speech.words] == ["It", "is", "#W23", "for", "you."]
    ((endpoint, body),) = server.seen
    assert endpoint.url == url
    assert header in endpoint.headers
    assert b"W, 2 3" in body
    assert SECRET not in repr(endpoint)
    assert json.loads(body)


def test_the_same_utterance_is_paid_for_once(server: FakeServer) -> None:
    engine = SYNTHESIZERS.get("cartesia", concurrency=5)
    first = engine.synthesize("Hello", Voice())
    again = engine.synthesize("Hello", Voice())
    assert first.samples.tobytes() == again.samples.tobytes()
    engine.synthesize("Hello", Voice("another"))
    assert len(server.seen) == 2


def test_nothing_is_asked_for_nothing(server: FakeServer) -> None:
    assert len(SYNTHESIZERS.get("openai", cache=False).synthesize(" ", Voice()).samples) == 0
    assert server.seen == []


def test_a_transcript_is_brought_into_written_form(server: FakeServer) -> None:
    server.answers = [status(200, json.dumps({"text": "It's W, two three seven."}))]
    recognizer = RECOGNIZERS.get("openai/whisper-1", base_url="http://127.0.0.1:1/v1/")
    heard = recognizer.transcribe(np.ones(800, np.float32) / 4, 8000)
    assert heard.text == "It's W237."
    ((endpoint, body),) = server.seen
    assert endpoint.url == "http://127.0.0.1:1/v1/audio/transcriptions"
    content_type = dict(endpoint.headers)["Content-Type"]
    boundary = content_type.rpartition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 5
    assert b'name="model"\r\n\r\nwhisper-1\r\n' in body
    assert b"RIFF" in body
    assert recognizer.transcribe(np.zeros(0, np.float32), 8000).text == ""


@pytest.mark.parametrize("answer", ["{}", "[]", "no", '{"text": 3}'])
def test_an_answer_without_a_transcript_is_a_failure(server: FakeServer, answer: str) -> None:
    server.answers = [status(200, answer)]
    with pytest.raises(SpeechFailed, match="openai answered with"):
        RECOGNIZERS.get("openai").transcribe(np.ones(800, np.float32), 8000)


@pytest.mark.parametrize("body", [b"", b"abc", b'{"error": "x"}', bytes(2400)])
def test_what_is_no_speech_is_a_failure(server: FakeServer, body: bytes) -> None:
    server.answers = [HttpResponse(200, {}, body)]
    with pytest.raises(SpeechFailed, match=r"openai answered with (\d+ bytes|silence)"):
        SYNTHESIZERS.get("openai", cache=False).synthesize("Hello", Voice())


def test_too_many_requests_are_repeated_after_the_time_that_was_asked_for(
    server: FakeServer, time: FakeClock
) -> None:
    refused = status(429, "slow down", **{"retry-after": "7"})
    server.answers = [refused, status(503), HttpResponse(200, {}, PCM)]
    engine = SYNTHESIZERS.get("openai", cache=False)
    assert engine.synthesize("Hello", Voice()).seconds > 0
    assert time.waited == [7, 2]


@pytest.mark.parametrize("failure", [status(429), status(500), unreachable("no network")])
def test_a_service_that_never_answers_is_a_failure(
    server: FakeServer, time: FakeClock, failure: HttpResponse | Exception
) -> None:
    server.answers = [failure]
    with pytest.raises(SpeechFailed, match="openai: "):
        SYNTHESIZERS.get("openai", cache=False).synthesize("Hello", Voice())
    assert len(server.seen) == 5
    assert len(time.waited) == 4


def test_a_refusal_is_not_repeated_and_shows_no_key(server: FakeServer, time: FakeClock) -> None:
    server.answers = [status(401, json.dumps({"error": {"message": f"bad key {SECRET}"}}))]
    with pytest.raises(SpeechFailed) as caught:
        SYNTHESIZERS.get("elevenlabs", cache=False).synthesize("Hello", Voice())
    assert len(server.seen) == 1
    assert SECRET not in str(caught.value)
    assert "bad key" in str(caught.value)


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARTESIA_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="set CARTESIA_API_KEY"):
        SYNTHESIZERS.get("cartesia", per_minute=3.0)


def test_no_more_requests_than_permitted_are_sent_in_a_minute(
    server: FakeServer, time: FakeClock
) -> None:
    engine = SYNTHESIZERS.get("openai", cache=False, per_minute=2.0)
    for text in ("one", "two", "three", "four", "five"):
        engine.synthesize(text, Voice())
    assert time.waited == [60, 60]


def test_no_more_requests_than_permitted_are_sent_at_once(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = 0
    most = 0
    lock = threading.Lock()
    both = threading.Barrier(2, timeout=10)

    def post(endpoint: Endpoint, body: bytes, seconds: float) -> HttpResponse:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        both.wait()
        with lock:
            inside -= 1
        return HttpResponse(200, {}, PCM)

    monkeypatch.setattr(service_module, "post", post)
    engine = SpeechService(
        ServiceSettings("s", "http://127.0.0.1:1", "OPENAI_API_KEY", concurrency=2)
    )
    calls: list[Callable[[], bytes]] = [lambda: engine.post("/", b"", {}) for _ in range(6)]
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == 2


def test_limits_are_numbers_above_zero(server: FakeServer) -> None:
    with pytest.raises(ConfigError, match="concurrency and per_minute"):
        SYNTHESIZERS.get("openai", concurrency=0)
