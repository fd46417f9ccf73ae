"""A simulated user of your own, and how much it changes the scores of an agent.

    python own_user.py

Scores of runs with different users are not comparable: here one agent meets two of them.
"""

from tau2 import TextRunConfig
from tau2.plugins import STOP, HalfDuplexUser, UserMessage, UserSpec
from tau2.registry import registry
from tau2.runner import get_tasks, run_tasks


class Impatient(HalfDuplexUser):
    """Says what it wants, answers one question, and leaves."""

    def __init__(self, wish, instructions=None, tools=None):
        """Keep what is wanted, the scenario, and the customer's own tools."""
        super().__init__(instructions, tools)
        self.wish = wish

    def get_init_state(self, message_history=None):
        """Return how often it has spoken."""
        return sum(isinstance(message, UserMessage) for message in message_history or [])

    def generate_next_message(self, message, state):
        """Return the next message, and how often it has spoken then."""
        texts = [self.wish, "Yes.", f"This takes too long. {STOP}"]
        return UserMessage(content=texts[min(state, 2)], cost=0.0), state + 1


def make(task, instructions=None, tools=None, **_more):
    """Return a fresh user. tau2 also passes `seed`, `llm`, `llm_args` and others."""
    return Impatient(str(task.user_scenario.instructions), instructions, tools)


USER = UserSpec("impatient", make=make, needs_model=False)


def main():
    """Play the same tasks with both users."""
    tasks = get_tasks("mock", num_tasks=6)
    with registry.users.adding(USER):
        for user in ("scripted_user", "impatient"):
            config = TextRunConfig(domain="mock", agent="oracle_agent", user=user)
            results = run_tasks(config, tasks, console_display=False)
            print(f"{user}: average reward {results.average_reward():.2f}")


if __name__ == "__main__":
    main()
