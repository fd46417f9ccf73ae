"""The telecom environment, tasks and splits, read from the data directory at every call."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import Task
from tau2.domains.telecom.data_model import LineStatus, TelecomDB
from tau2.domains.telecom.tasks.loading import task_splits, tasks_of_split
from tau2.domains.telecom.tools import TelecomTools
from tau2.domains.telecom.user_data_model import PaymentRequest, TelecomUserDB
from tau2.domains.telecom.user_tools import TelecomUserTools
from tau2.domains.telecom.utils import path_of
from tau2.environment.domain import Splits, load_reference_db, load_text
from tau2.environment.environment import Environment
from tau2.errors import ToolError

PolicyType = Literal["manual", "workflow"]


class TelecomEnvironment(Environment):
    """A carrier and a phone; what one side does to the line or a bill reaches the other at once."""

    tools: TelecomTools
    user_tools: TelecomUserTools

    def same_state(self, other: Environment) -> bool:
        """Return whether both hold the same records of the carrier.

        A phone can be left in many right states (restarted once more, Wi-Fi on), so it is graded by
        assertions. With `strict_compat` it has to be the same to the last setting, as in the
        original.
        """
        if self.strict_compat or not isinstance(other, TelecomEnvironment):
            return super().same_state(other)
        return self.tools.db.same_as(other.tools.db)

    def sync_tools(self) -> None:
        """Show the phone what the carrier lets its line do, and book what the customer has paid.

        A resumed line is not found by itself: the phone has to look for a network again.
        """
        around = self.user_tools.surroundings
        if around.phone_number is None:
            return
        line = self.tools.line_by_phone(around.phone_number)
        if line is None:
            raise ToolError(f"no line has the phone's number {around.phone_number}")
        around.line_active = line.status == LineStatus.ACTIVE
        around.roaming_allowed = line.roaming_enabled
        limit = self.tools.plan_of(line).data_limit_gb + line.data_refueling_gb
        around.mobile_data_usage_exceeded = line.data_used_gb >= limit
        if around.payment_request is not None and around.payment_request.paid:
            self.tools.set_bill_to_paid(around.payment_request.bill_id)
            around.payment_request = None
        bill = self.tools.bill_awaiting_payment(line)
        if bill is not None:
            around.payment_request = PaymentRequest(bill_id=bill.bill_id, amount_due=bill.total_due)


def _policy(folder: Path, policy_type: PolicyType, *, solo_mode: bool) -> str:
    """Return the policy: the rules of the company, then how to give technical support."""
    solo = "_SOLO" if solo_mode else ""
    support = "MANUAL" if policy_type == "manual" else f"WORKFLOW{solo}"
    main = path_of(f"TELECOM_MAIN_POLICY{solo}_PATH", folder)
    technical = path_of(f"TELECOM_TECH_SUPPORT_POLICY_{support}_PATH", folder)
    return _joined(load_text(main), load_text(technical))


@lru_cache(maxsize=8)
def _joined(main: str, technical: str) -> str:
    """Return both parts as one text, the same one for all environments."""
    return (
        f"<main_policy>\n{main}\n</main_policy>\n"
        f"<tech_support_policy>\n{technical}\n</tech_support_policy>"
    )


def get_environment(
    db: TelecomDB | None = None,
    user_db: TelecomUserDB | None = None,
    solo_mode: bool = False,
    policy_type: PolicyType = "manual",
) -> TelecomEnvironment:
    """Return a fresh environment over the given databases, or over the carrier's own data."""
    folder = domain_dir("telecom")
    strict = strict_compat()
    world_id = None
    own = (path_of("TELECOM_DB_PATH", folder), path_of("TELECOM_USER_DB_PATH", folder))
    if db is None and user_db is None:
        world_id = _world_id(own, strict, solo_mode)
    return TelecomEnvironment(
        domain_name="telecom" if policy_type == "manual" else "telecom-workflow",
        policy=_policy(folder, policy_type, solo_mode=solo_mode),
        tools=TelecomTools(load_reference_db(TelecomDB, own[0]) if db is None else db),
        user_tools=TelecomUserTools(
            load_reference_db(TelecomUserDB, own[1]) if user_db is None else user_db,
            strict_compat=strict,
        ),
        solo_mode=solo_mode,
        strict_compat=strict,
        world_id=world_id,
    )


def _world_id(paths: Sequence[Path], *options: Hashable) -> Hashable:
    """Name the world at its start; a rewritten file is another world.

    Both policies are about the same world.
    """
    stamps = [(str(path), path.stat()) for path in paths]
    return (
        "telecom",
        *((name, stamp.st_mtime_ns, stamp.st_size) for name, stamp in stamps),
        *options,
    )


get_environment_manual_policy = partial(get_environment, policy_type="manual")
get_environment_workflow_policy = partial(get_environment, policy_type="workflow")


def get_tasks(
    task_split_name: str | None = "base", task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return the tasks of a split; None returns all.

    Raise UnknownName (a ValueError) for another name.
    """
    return tasks_of_split(task_split_name, "base", task_ids)


def get_tasks_full(
    task_split_name: str | None = "full", task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return every task, or those of a split. Raise UnknownName (a ValueError) for another name."""
    return tasks_of_split(task_split_name, "full", task_ids)


def get_tasks_small(
    task_split_name: str | None = "small", task_ids: Collection[str] | None = None
) -> list[Task]:
    """Return a few simple tasks, or those of a split.

    Raise UnknownName (a ValueError) for another name.
    """
    return tasks_of_split(task_split_name, "small", task_ids)


def get_tasks_split() -> Splits:
    """Return split name → task ids."""
    return task_splits()
