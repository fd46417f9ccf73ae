"""An agent that is a program at a URL: an endpoint that receives the policy and the tools."""

from __future__ import annotations

from tau2.agent.llm_agent.standard import LLMAgent
from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage
from tau2.environment.tool import Tool
from tau2.llm.request import CompletionFn
from tau2.participant.spec import AgentSpec
from tau2.utils.json_types import JsonMapping


class UrlAgent(LLMAgent):
    """What a program behind an endpoint says; a text with `###STOP###` ends the conversation.

    The program has a prompt of its own. So the system message is the domain's policy and nothing
    else, and neither a seed nor a temperature is sent unless the caller gives one.
    """

    @classmethod
    def is_stop(cls, message: AssistantMessage) -> bool:
        """Return whether this message of the agent ends the conversation."""
        return STOP in (message.content or "")

    @property
    def system_prompt(self) -> str:
        """The first message: the domain's policy."""
        return self.domain_policy

    def set_seed(self, seed: int) -> None:
        """Send no seed: how a program samples is its own business."""


def create_url_agent(
    tools: list[Tool],
    domain_policy: str,
    *,
    llm: str,
    llm_args: JsonMapping | None = None,
    completion_fn: CompletionFn | None = None,
    **_unused: object,
) -> UrlAgent:
    """Make a UrlAgent; `llm` is a model of the backend `agent`, such as `agent/chat`."""
    return UrlAgent(tools, domain_policy, llm=llm, llm_args=llm_args, completion_fn=completion_fn)


AGENTS = (
    AgentSpec(
        "url_agent",
        make=create_url_agent,
        continues="messages",
        description="a program at a URL (--agent-url)",
    ),
    AgentSpec(
        "a2a_agent",
        make=create_url_agent,
        description="an A2A server (--agent-url with --agent-protocol a2a)",
    ),
)
