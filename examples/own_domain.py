"""A domain in one file: a shop that rents bicycles, with a database, two tools and two tasks.

    python own_domain.py

`tau2 new domain NAME` writes the same as a package that can be installed.
"""

from tau2 import TextRunConfig
from tau2.audit.audit import audit_domain
from tau2.plugins import (
    DB,
    DomainSpec,
    Environment,
    Task,
    ToolError,
    ToolKitBase,
    ToolType,
    is_tool,
)
from tau2.registry import registry
from tau2.runner import run_tasks

POLICY = """
You work for a shop that rents bicycles. Rent a bicycle to a customer only if nobody has it. Rent at
most one bicycle to a customer. Tell the customer when it is done.
"""


class Shop(DB):
    """Who has which bicycle; an empty name is nobody."""

    bicycles: dict[str, str]


class Counter(ToolKitBase):
    """What the agent can do."""

    db: Shop

    @is_tool(ToolType.READ)
    def list_bicycles(self) -> dict[str, str]:
        """List the bicycles and who has them; an empty name is nobody."""
        return dict(self.db.bicycles)

    @is_tool(ToolType.WRITE)
    def rent(self, bicycle: str, customer: str) -> str:
        """Rent a bicycle to a customer.

        Args:
            bicycle: Id of the bicycle, for example "B1".
            customer: First name of the customer.
        """
        if bicycle not in self.db.bicycles:
            raise ToolError(f"there is no bicycle {bicycle}")
        if self.db.bicycles[bicycle]:
            raise ToolError(f"{self.db.bicycles[bicycle]} has {bicycle}")
        self.db.bicycles[bicycle] = customer
        return f"{bicycle} is rented to {customer}"


def get_environment(db=None, solo_mode=False):
    """Return a fresh shop."""
    shop = db or Shop(bicycles={"B1": "", "B2": "Noor", "B3": ""})
    return Environment("bicycles", POLICY, Counter(shop), solo_mode=solo_mode)


def task(task_id, instructions, *actions):
    """Return a task whose reference are these calls."""
    reference = [{"action_id": str(n), **action} for n, action in enumerate(actions)]
    return Task.model_validate(
        {
            "id": task_id,
            "user_scenario": {"instructions": instructions},
            "evaluation_criteria": {"actions": reference, "reward_basis": ["DB"]},
        }
    )


def rent(bicycle, customer):
    """Return a call of the tool, for a reference."""
    return {"name": "rent", "arguments": {"bicycle": bicycle, "customer": customer}}


TASKS = [
    task("free", "You are Ada. You want to rent bicycle B1.", rent("B1", "Ada")),
    task("other", "You are Bo. You want to rent bicycle B3 and no other one.", rent("B3", "Bo")),
]


def get_tasks(split_name=None, task_ids=None):
    """Return the tasks, or those with these ids."""
    return [task for task in TASKS if task_ids is None or task.id in task_ids]


DOMAIN = DomainSpec(
    name="bicycles",
    description="a shop rents bicycles",
    environment=get_environment,
    tasks=get_tasks,
)


def main():
    """Prove the tasks, and play them."""
    with registry.domains.adding(DOMAIN):
        report = audit_domain(DOMAIN, TASKS)
        print(
            f"{report.tasks} tasks audited: {'nothing is wrong' if report.ok else report.findings}"
        )
        config = TextRunConfig(domain="bicycles", agent="oracle_agent", user="scripted_user")
        print(run_tasks(config, TASKS, console_display=False))


if __name__ == "__main__":
    main()
