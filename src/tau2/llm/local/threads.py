"""Blocking work of the engine, awaited: in a thread of its own, so that no event loop is blocked.

The event loop's own threads are few, and a program waits for them at its exit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from tau2.llm.local.slots import Call

ResultT = TypeVar("ResultT")


async def in_thread(work: Callable[[], ResultT], call: Call) -> ResultT:
    """Return the result of work that `call` belongs to; who stops waiting ends the call."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[ResultT] = loop.create_future()

    def settle(finish: Callable[[], None]) -> None:
        if not done.cancelled():
            finish()

    def body() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  -- raised where the result is awaited
            problem = error
            _call_soon(loop, settle, lambda: done.set_exception(problem))
        else:
            _call_soon(loop, settle, lambda: done.set_result(result))

    threading.Thread(target=body, name="tau2-local", daemon=True).start()
    try:
        return await done
    finally:
        call.cancel()


def _call_soon(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[Callable[[], None]], None],
    finish: Callable[[], None],
) -> None:
    try:
        loop.call_soon_threadsafe(settle, finish)
    except RuntimeError:
        return  # the loop was closed: nobody waits
