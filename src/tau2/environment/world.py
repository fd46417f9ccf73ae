"""Former path of `tau2.environment.task_setup`."""

from tau2.environment.task_setup import TaskSetup, set_initial_state

World = TaskSetup

__all__ = ["World", "set_initial_state"]
