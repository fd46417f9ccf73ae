"""CPU time that a model call costs beyond a bare exchange of the same bytes on a socket.

Prints JSON: milliseconds of this process's CPU per call (medians over rounds; the server is another
process), for `complete` one at a time and `acomplete` at several concurrencies, each beside a bare
exchange in the same run, and how many calls were in flight.
Target at 64 and 256 in flight: at most 0.6 ms per call beyond its JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.environment.tool import Tool, as_tool
from tau2.llm import acomplete, complete, to_wire, tools_to_wire

STUB = Path(__file__).resolve().parents[1] / "tests" / "stub.py"
POLICY = (
    "Confirm every change with the customer before you make it. " * 120
)  # about 7 KB, as real policies
ROUNDS = 5
SEQUENTIAL = 60  # calls of one synchronous round


def conversation() -> list[Message]:
    messages: list[Message] = [
        SystemMessage(content=POLICY),
        AssistantMessage(content="Hi! How can I help you today?"),
    ]
    for turn in range(4):
        call = ToolCall(
            id=f"call_{turn}",
            name="tool_3",
            arguments={"order_id": f"#{turn}", "reason": "no longer needed"},
        )
        messages += [
            UserMessage(content="I would like to return the lamp and get my money back, please."),
            AssistantMessage(tool_calls=[call]),
            ToolMessage(
                id=call.id, content=json.dumps({"status": "delivered", "items": ["lamp"] * 20})
            ),
            AssistantMessage(content="I can do that for you. Shall I go ahead?"),
        ]
    return [*messages, UserMessage(content="Yes, go ahead.")]


def toolbox() -> list[Tool]:
    def tool(order_id: str, reason: str, item_ids: list[str]) -> str:
        """Return delivered items of an order.

        Args:
            order_id: The order, such as '#1'.
            reason: Why the customer returns them.
            item_ids: The items.
        """
        return f"{order_id}{reason}{item_ids}"

    return [as_tool(tool).model_copy(update={"name": f"tool_{number}"}) for number in range(14)]


@contextmanager
def stub(latency: float) -> Iterator[str]:
    command = [sys.executable, str(STUB), str(latency)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


def max_in_flight(url: str) -> int:
    with urlopen(url + "/stats") as answer:
        return int(json.load(answer)["max_in_flight"])


def median_cpu_ms(round_: Callable[[], int]) -> float:
    """Return the median over rounds of the CPU per call; a round returns how many calls it made."""
    round_()
    figures = []
    for _ in range(ROUNDS):
        started = time.process_time()
        calls = round_()
        figures.append((time.process_time() - started) / calls * 1000)
    return statistics.median(figures)


async def at_once(one: Callable[[], Awaitable[None]], concurrency: int, calls: int) -> None:
    turns = iter(range(calls))

    async def worker() -> None:
        for _ in turns:
            await one()

    await asyncio.gather(*(worker() for _ in range(concurrency)))


def request_bytes(url: str) -> bytes:
    wire = {
        "model": "bench",
        "messages": to_wire(conversation()),
        "tools": tools_to_wire(toolbox()),
    }
    body = json.dumps(wire).encode()
    head = (
        f"POST {urlsplit(url).path}/chat/completions HTTP/1.1\r\n"
        f"Host: bench\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def length_of(head: bytes) -> int:
    return int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


def bare_sync(url: str) -> float:
    sent = request_bytes(url)
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as line:

        def one() -> None:
            line.sendall(sent)
            data = b""
            while b"\r\n\r\n" not in data or len(data) < data.find(b"\r\n\r\n") + 4 + length_of(
                data
            ):
                data += line.recv(65536)

        def round_() -> int:
            for _ in range(SEQUENTIAL):
                one()
            return SEQUENTIAL

        return median_cpu_ms(round_)


def call_sync(url: str) -> float:
    messages, tools = conversation(), toolbox()

    def round_() -> int:
        for _ in range(SEQUENTIAL):
            complete("openai/bench", messages, tools=tools, api_base=url)
        return SEQUENTIAL

    return median_cpu_ms(round_)


def bare_async(url: str, concurrency: int) -> float:
    sent, place = request_bytes(url), urlsplit(url)

    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one() -> None:
        reader, writer = (
            idle.pop() if idle else await asyncio.open_connection(place.hostname, place.port)
        )
        writer.write(sent)
        await reader.readexactly(length_of(await reader.readuntil(b"\r\n\r\n")))
        idle.append((reader, writer))

    return in_one_loop(lambda calls: at_once(one, concurrency, calls), concurrency)


def call_async(url: str, concurrency: int) -> float:
    messages, tools = conversation(), toolbox()

    async def one() -> None:
        await acomplete("openai/bench", messages, tools=tools, api_base=url)

    return in_one_loop(lambda calls: at_once(one, concurrency, calls), concurrency)


def in_one_loop(rounds: Callable[[int], Awaitable[None]], concurrency: int) -> float:
    calls = max(256, concurrency * 4) if concurrency > 1 else 64
    with asyncio.Runner() as runner:

        async def round_() -> int:
            await rounds(calls)
            return calls

        return median_cpu_ms(lambda: runner.run(round_()))


def json_cpu_ms() -> float:
    """Return what a call's JSON costs: a request body is made, and a response is parsed."""
    messages, tools = conversation(), toolbox()
    response = json.dumps({"choices": [{"message": {"content": "The refund is on its way."}}]})

    def round_() -> int:
        for _ in range(200):
            json.dumps({"messages": to_wire(messages), "tools": tools_to_wire(tools)}).encode()
            json.loads(response)
        return 200

    return median_cpu_ms(round_)


def figures(name: str, bare: float, call: float, json_: float) -> dict[str, object]:
    return {
        "case": name,
        "bare_cpu_ms": round(bare, 3),
        "call_cpu_ms": round(call, 3),
        "beyond_bare_cpu_ms": round(call - bare, 3),
        "beyond_json_cpu_ms": round(call - json_, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concurrency", type=int, nargs="*", default=[1, 64, 256])
    parser.add_argument(
        "--latency", type=float, default=0.05, help="seconds that the server takes for an answer"
    )
    options = parser.parse_args()
    json_ = json_cpu_ms()
    results = []
    with stub(0.0) as url:
        results.append(figures("sync", bare_sync(url), call_sync(url), json_))
    for concurrency in options.concurrency:
        with stub(options.latency) as url:
            measured = call_async(url, concurrency)
            in_flight = max_in_flight(url)
        with stub(options.latency) as url:
            bare = bare_async(url, concurrency)
        row = figures(f"async, {concurrency} at once", bare, measured, json_)
        results.append(row | {"max_in_flight": in_flight})
    report = {
        "request_bytes": len(request_bytes("http://bench/v1")),
        "json_cpu_ms": round(json_, 3),
        "results": results,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
