"""The user's own tools of the mock domain."""

from __future__ import annotations

from tau2.domains.mock.data_model import MockUserDB, Notification, NotificationStatus
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError


class MockUserTools(ToolKitBase):
    """Look at the inbox and clear it."""

    db: MockUserDB

    def __init__(self, db: MockUserDB) -> None:
        super().__init__(db)

    @is_tool(ToolType.READ)
    def check_notifications(self) -> list[Notification]:
        """Look at your notifications.

        Returns:
            Every notification, read or not.
        """
        return [self.db.notifications[key] for key in self.db.notifications]

    @is_tool(ToolType.WRITE)
    def dismiss_notification(self, notification_id: str) -> str:
        """Mark one of your notifications as read.

        Args:
            notification_id: Id of the notification, for example "notif_1".

        Returns:
            A confirmation.

        Raises:
            ToolError: If there is no such notification.
        """
        self._notification(notification_id).status = "read"
        return f"Notification {notification_id} dismissed"

    def add_notification(
        self, notification_id: str, message: str, task_id: str | None = None
    ) -> None:
        """Put an unread notification into the inbox."""
        self.db.notifications[notification_id] = Notification(
            notification_id=notification_id, message=message, task_id=task_id
        )

    def assert_notification_status(
        self, notification_id: str, expected_status: NotificationStatus
    ) -> bool:
        """Return whether a notification has that status.

        Raise ToolError when there is no such notification.
        """
        return self._notification(notification_id).status == expected_status

    def _notification(self, notification_id: str) -> Notification:
        if notification_id not in self.db.notifications:
            raise ToolError(f"Notification {notification_id} not found")
        return self.db.notifications[notification_id]
