"""Records of the mock domain."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tau2.config import domain_dir
from tau2.environment.db import DB
from tau2.environment.domain import load_reference_db

TaskStatus = Literal["pending", "completed"]
NotificationStatus = Literal["unread", "read"]


class Task(BaseModel):
    """An entry of the task list."""

    task_id: str = Field(description="Unique id of the task")
    title: str = Field(description="Short name of the task")
    description: str | None = Field(default=None, description="What is to be done")
    status: TaskStatus = Field(description="Whether the task is done")


class User(BaseModel):
    """A person with tasks."""

    user_id: str = Field(description="Unique id of the person")
    name: str = Field(description="The person's name")
    tasks: list[str] = Field(default_factory=list, description="Ids of the person's tasks")


class MockDB(DB):
    """The task list and its people."""

    tasks: dict[str, Task] = Field(default_factory=dict)
    users: dict[str, User] = Field(default_factory=dict)


class Notification(BaseModel):
    """A message in the user's inbox."""

    notification_id: str
    message: str
    status: NotificationStatus = "unread"
    task_id: str | None = None


class MockUserDB(DB):
    """The user's inbox."""

    notifications: dict[str, Notification] = Field(default_factory=dict)


def get_db() -> MockDB:
    """Return a fresh copy of the domain's database."""
    return load_reference_db(MockDB, domain_dir("mock") / "db.json")


def get_user_db() -> MockUserDB:
    """Return a fresh copy of the user's database."""
    return load_reference_db(MockUserDB, domain_dir("mock") / "user_db.json")
