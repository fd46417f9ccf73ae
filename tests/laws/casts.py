"""Random casts for the mock domain.

What people say, right and wrong calls, and everything that may go wrong.
"""

from __future__ import annotations

from hypothesis import strategies as st
from tests.cast import STOP, Call

from tau2.errors import (
    AgentError,
    ContextWindowExceeded,
    DeadlineExceeded,
    EmptyCompletion,
    UserError,
)

NAMES = st.sampled_from(["user_1", "user_2", "", "ü"])
TASK_IDS = st.sampled_from(["task_1", "task_2", "task_3", "nothing"])
STATUSES = st.sampled_from(["pending", "completed", "paused", 3])


def a_call(name: str, **arguments) -> st.SearchStrategy[Call]:
    return st.builds(Call, st.just(name), st.fixed_dictionaries(arguments))


READS = st.one_of(
    a_call("get_users"), a_call("transfer_to_human_agents", summary=st.text(max_size=5))
)
WRITES = st.one_of(
    a_call("create_task", user_id=NAMES, title=st.text(max_size=5)),
    a_call("create_task", user_id=st.just("user_1"), title=st.integers(), description=st.none()),
    a_call("update_task_status", task_id=TASK_IDS, status=STATUSES),
)
WRONG = st.one_of(
    a_call("create_task"), a_call("no_such_tool"), a_call("get_users", extra=st.integers())
)
USER_CALLS = st.one_of(
    a_call("check_notifications"),
    a_call("dismiss_notification", notification_id=st.sampled_from(["n1", "n2"])),
    a_call("get_users"),
)
AGENT_CALLS = st.one_of(READS, WRITES, WRONG)
TEXTS = st.sampled_from(
    ["Hello", "One moment.", "task_2 is done", "10", "###TRANSFER###", f"Bye {STOP}"]
)
FAILURES = st.sampled_from(
    [
        AgentError("a"),
        UserError("u"),
        EmptyCompletion("e"),
        ContextWindowExceeded("c"),
        DeadlineExceeded("d"),
    ]
)


def script(calls: st.SearchStrategy[Call], *, failures: bool = True) -> st.SearchStrategy[tuple]:
    """Return scripts of up to eight lines."""
    lines = [TEXTS, TEXTS, calls, calls, st.lists(calls, min_size=1, max_size=3)]
    if failures:
        lines += [st.none(), FAILURES]
    return st.lists(st.one_of(lines), max_size=8).map(tuple)
