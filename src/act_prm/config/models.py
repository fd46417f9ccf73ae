"""What generator, trainer and replay buffer configurations may say. A key that is not listed is an error."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tau2.errors import ConfigError

GeneratorName = Literal[
    "default",
    "act_prm",
    "action_prompt_act_prm",
    "act_prm_nobandit",
    "action_prompt_act_prm_nobandit",
]
TrainerName = Literal[
    "act_prm", "act_prm_for_sft", "act_prm_sft_eval", "act_prm_sft_rl", "act_prm_joint", "sft", "rl"
]
RewardMethod = Literal["action_probs", "action_probs_per_token"]

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _whole(value: Any) -> Any:
    """Return 1e10, which YAML reads as a text or a float, as a whole number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ToolCallTags(_Closed):
    """How the model writes a tool call."""

    bos: str = "<tool_call>"
    eos: str = "</tool_call>"
    argname: str = "arguments"
    """The key of the arguments in the call's JSON."""


class GeneratorConfig(_Closed):
    """How trajectories come about."""

    name: GeneratorName = "default"
    discount_factor: Share | None = None
    """Of the returns; null: the trainer's."""
    mean_center: bool = False
    """Advantages are rewards above the group's mean; otherwise the returns themselves."""
    reward_method: RewardMethod = "action_probs"
    """Reward of a thought: the probability of the action after it, whole or as the mean (geometric) per token."""
    keep_top_k: Positive | None = None
    """Of each group only the k best are trained on; null: all."""
    action_bos: str = "<tool_call>"
    action_eos: str = "</tool_call>"
    thought_bos: str = "<thought>"
    thought_eos: str = "</thought>"
    final_answer_bos: str = "Final Answer: "
    """Opens an action that is a plain message."""

    @property
    def bandit(self) -> bool:
        """Whether the best sample of each step is the one that goes on."""
        return not self.name.endswith("_nobandit")

    @property
    def action_prompted(self) -> bool:
        """Whether the model is shown the action before it thinks."""
        return self.name.startswith("action_prompt_")

    @property
    def online(self) -> bool:
        """Whether episodes are played in the environment rather than read from demonstrations."""
        return self.name == "default"


class ReplayBufferConfig(_Closed):
    """What is kept for later phases."""

    max_size: Annotated[Positive, BeforeValidator(_whole)] = 10**10
    """Steps; the oldest leave first."""


class TrainerConfig(_Closed):
    """How the model is trained, evaluated and saved."""

    trainer_name: TrainerName = "rl"
    num_batches: Count = 1000
    batch_size: Positive = 16
    """Tasks in a batch."""
    group_size: Positive = 8
    """Samples for each task, or for each step of a demonstration."""
    num_tries: Positive = 1
    """How often a task that was failed is tried again within its trajectory group."""

    demonstration_variants: Positive = 1
    """Ways in which the scripted customer of a demonstration may speak, taken in turn."""

    max_tokens: Positive = 1024
    temperature: Annotated[float, Field(ge=0.0)] = 1.0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    max_prompt_tokens: Positive | None = None
    """A longer prompt loses its oldest turns; null: what the model can read, less max_tokens."""
    tool_call_kwargs: ToolCallTags = ToolCallTags()

    learning_rate: Annotated[float, Field(ge=0.0)] = 4e-5
    discount_factor: Share = 0.9
    loss_fn: Literal["importance_sampling", "ppo"] = "importance_sampling"
    """Of the policy gradient; fine-tuning always uses cross entropy."""
    num_substeps: Positive = 1
    """Optimizer steps that a batch is divided into."""
    mini_batch_size: Positive | None = None
    """The most sequences of one optimizer step; null: the batch, divided by num_substeps."""
    compute_post_kl: bool = False
    """Measure, with a further forward pass, how far the update moved the policy."""
    kl_penalty_coef: Annotated[float, Field(ge=0.0)] = 0.0
    """Charged per token against the model without its adapter."""
    kl_discount_factor: Share = 0.0
    """How much of later tokens' charges a token bears too."""

    eval_every: Count = 20
    """Batches between evaluations; 0: none."""
    eval_group_size: Positive = 1
    eval_num_tries: Positive = 1
    eval_temperature: Annotated[float, Field(ge=0.0)] | None = None
    """null: as in training; 0: greedy."""
    eval_num_tasks: Positive | None = None
    """null: the whole split."""
    save_every: Count = 20
    """Batches between checkpoints; 0: only the last."""
    save_rollouts_every: Count | None = None
    """Batches between rollouts written as JSON lines; null or 0: none."""
    best_metric: str = "final_reward"
    """The metric of an evaluation that chooses the best checkpoint."""
    lora_rank: Positive = 32
    base_url: str | None = None
    """Of a training service."""

    advantage_threshold: float | None = None
    """Steps at or above it are fine-tuned on; null: the best of each group."""
    num_sft_epochs: Positive = 1
    """How often fine-tuning after generation sees each kept step."""
    num_rl_batches: Count | None = None
    """Of the last phase of act_prm_sft_rl; null: num_batches."""
    action_prompts: bool = False
    """Begin by learning from thoughts that the model wrote with the action before it."""
    num_batches_action_prompts: Count = 0
    action_prompt_mini_batch_size: Positive = 32
    action_prompt_num_epochs: Positive = 10
    action_prompt_keep_top_k: Positive | None = None
    hide_observations: bool = False
    """Show thoughts only some of the observations, to save context."""
    hidden_obs_content: str = "..."
    first_obs_to_show: Count = 2
    last_obs_to_show: Count = 1

    @model_validator(mode="after")
    def _consistent(self) -> TrainerConfig:
        if self.num_batches_action_prompts and not self.action_prompts:
            raise ValueError("num_batches_action_prompts is set, but action_prompts is false")
        return self


Model = TypeVar("Model", bound=BaseModel)


def checked(kind: type[Model], values: Mapping[str, Any], source: str) -> Model:
    """Return the values as a model of that kind. Raise ConfigError naming every mistake and the nearest key."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        mistakes = "; ".join(_told(kind, one) for one in error.errors())
        raise ConfigError(f"{source}: {mistakes}") from None


def _told(kind: type[BaseModel], mistake: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] != "extra_forbidden":
        return f"{path or 'values'}: {mistake['msg']} (given: {mistake['input']!r:.80})"
    owner: Any = kind
    for part in mistake["loc"][:-1]:
        owner = owner.model_fields[part].annotation
    return unknown_key(path, str(mistake["loc"][-1]), owner.model_fields)


def unknown_key(path: str, key: str, known: Any) -> str:
    """Return the sentence that names an unknown key and the nearest known one."""
    near = get_close_matches(key, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
    return f"unknown key {path!r}; {hint}"
