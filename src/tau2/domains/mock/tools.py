"""The agent's tools of the mock domain."""

from __future__ import annotations

from tau2.domains.mock.data_model import MockDB, Task, TaskStatus, User
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError


class MockTools(ToolKitBase):
    """Create tasks, list people, change a task's status, hand over."""

    db: MockDB

    def __init__(self, db: MockDB) -> None:
        super().__init__(db)

    @is_tool(ToolType.WRITE)
    def create_task(self, user_id: str, title: str, description: str | None = None) -> Task:
        """Add a task to a person's list.

        Args:
            user_id: Id of the person the task belongs to, for example "user_1".
            title: Short name of the task.
            description: What is to be done; may be left out.

        Returns:
            The new task, which is pending.

        Raises:
            ToolError: If there is no such person.
        """
        if user_id not in self.db.users:
            raise ToolError(f"User {user_id} not found")
        task = Task(
            task_id=f"task_{len(self.db.tasks) + 1}",
            title=title,
            description=description,
            status="pending",
        )
        self.db.tasks[task.task_id] = task
        self.db.users[user_id].tasks.append(task.task_id)
        return task

    @is_tool(ToolType.READ)
    def get_users(self) -> list[User]:
        """List every person and the ids of their tasks.

        Returns:
            All people.
        """
        return [self.db.users[user_id] for user_id in self.db.users]

    @is_tool(ToolType.WRITE)
    def update_task_status(self, task_id: str, status: TaskStatus) -> Task:
        """Mark a task as pending or completed.

        Args:
            task_id: Id of the task, for example "task_1".
            status: The status it shall have.

        Returns:
            The task as it is now.

        Raises:
            ToolError: If there is no such task.
        """
        task = self._task(task_id)
        task.status = status
        return task

    @is_tool(ToolType.GENERIC)
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the conversation to a person. Only when the tools cannot do what the user needs.

        Args:
            summary: What the user needs, in a sentence or two.

        Returns:
            A confirmation.
        """
        return "Transfer successful"

    def assert_number_of_tasks(self, user_id: str, expected_number: int) -> bool:
        """Return whether a person has that many tasks.

        Raise ToolError when there is no such person.
        """
        if user_id not in self.db.users:
            raise ToolError(f"User {user_id} not found")
        return len(self.db.users[user_id].tasks) == expected_number

    def assert_task_status(self, task_id: str, expected_status: TaskStatus) -> bool:
        """Return whether a task has that status. Raise ToolError when there is no such task."""
        return self._task(task_id).status == expected_status

    def _task(self, task_id: str) -> Task:
        if task_id not in self.db.tasks:
            raise ToolError(f"Task {task_id} not found")
        return self.db.tasks[task_id]
