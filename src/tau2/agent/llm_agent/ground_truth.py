"""The agent with the reference actions in its prompt: an upper bound for its model."""

from __future__ import annotations

from tau2.agent.llm_agent.standard import LLMAgent, standard_prompt
from tau2.data_model.tasks import Action, Task
from tau2.environment.tool import Tool
from tau2.errors import AgentError
from tau2.llm.request import CompletionFn
from tau2.participant.turns import load_prompt
from tau2.utils.json_types import JsonMapping

GROUND_TRUTH_INSTRUCTION = load_prompt("tau2.agent.llm_agent", "ground_truth_instruction.md")


class LLMGTAgent(LLMAgent):
    """An LLM agent whose prompt holds the reference actions of the task."""

    def __init__(
        self,
        tools: list[Tool],
        domain_policy: str,
        task: Task,
        llm: str,
        llm_args: JsonMapping | None = None,
        provide_function_args: bool = True,
        completion_fn: CompletionFn | None = None,
    ) -> None:
        """Give the agent a task with reference actions. Raise AgentError when there are none."""
        super().__init__(tools, domain_policy, llm, llm_args, completion_fn)
        if not self.check_valid_task(task):
            raise AgentError(
                f"task {task.id} has no reference actions to follow; use llm_agent instead"
            )
        self.task = task
        self.provide_function_args = provide_function_args

    @classmethod
    def check_valid_task(cls, task: Task) -> bool:
        """Return whether the task has at least one reference action."""
        return bool(task.reference_actions)

    @property
    def system_prompt(self) -> str:
        """The agent's prompt, followed by the steps that solve the task."""
        prompt = standard_prompt(self.domain_policy, GROUND_TRUTH_INSTRUCTION)
        return f"{prompt}\n<resolution_steps>\n{self.resolution_steps}\n</resolution_steps>"

    @property
    def resolution_steps(self) -> str:
        """The reference actions, one numbered line each."""
        return "\n".join(
            f"[Step {number}] {self._step(action)}"
            for number, action in enumerate(self.task.reference_actions, 1)
        )

    def _step(self, action: Action) -> str:
        what = action.get_func_format() if self.provide_function_args else action.name
        if action.requestor == "user":
            return f"Instruct the user to perform the following action: {what}."
        return f"Perform the following action: {what}."
