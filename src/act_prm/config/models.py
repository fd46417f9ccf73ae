"""The configurations of generators, trainers and replay buffers. Unknown keys are errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tau2.errors import ConfigError, nearest_name
from tau2.utils.json_types import JsonMapping

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
"""The second is an older name of the first."""

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Above0 = Annotated[float, Field(gt=0.0)]


def _whole(value: Any) -> Any:
    """Return 1e10, which YAML reads as a string or a float, as an integer."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ToolCallTags(_Closed):
    """How the policy writes a tool call."""

    bos: str = "<tool_call>"
    eos: str = "</tool_call>"
    argname: str = "arguments"
    """The key of the arguments in the call's JSON."""


class GeneratorConfig(_Closed):
    """How trajectories are generated."""

    name: GeneratorName = "default"
    discount_factor: Share | None = None
    """Discount factor of the returns; null: the trainer's."""
    mean_center: bool = True
    """Without a `baseline`: true is `mean`, false is `none`."""
    baseline: Literal["none", "mean", "leave_one_out"] | None = None
    """Advantages are rewards minus the group's mean, or the mean of the others; none: returns."""
    scale_by_std: bool = False
    """Divide advantages with a baseline by the standard deviation of the group's rewards."""
    share_reset: bool = True
    """The episodes of a group begin with one reset, where the environment can fork it."""
    reward_method: RewardMethod = "action_probs"
    """Reward of a thought: the probability of the action after it, per token (geometric mean)."""
    keep_top_k: Positive | None = None
    """Train on the k best trajectories of each group; null: all."""
    action_bos: str = "<tool_call>"
    action_eos: str = "</tool_call>"
    thought_bos: str = "<thought>"
    thought_eos: str = "</thought>"
    final_answer_bos: str = "Final Answer: "
    """Precedes an action that is text."""

    @property
    def baseline_name(self) -> str:
        """The baseline of advantages: "none", "mean" or "leave_one_out"."""
        if self.baseline is not None:
            return self.baseline
        return "mean" if self.mean_center else "none"

    @property
    def bandit(self) -> bool:
        """Whether each step continues from the best sample of the previous one."""
        return not self.name.endswith("_nobandit")

    @property
    def action_prompted(self) -> bool:
        """Whether the model sees the action before it writes the thought."""
        return self.name.startswith("action_prompt_")

    @property
    def online(self) -> bool:
        """Whether trajectories are online episodes, not thoughts for demonstrations."""
        return self.name == "default"


class ReplayBufferConfig(_Closed):
    """The replay buffer, which keeps steps for later phases."""

    max_size: Annotated[Positive, BeforeValidator(_whole)] = 10**10
    """Steps; a full buffer drops the oldest."""


class TrainerConfig(_Closed):
    """How the model is trained, evaluated and saved."""

    trainer_name: TrainerName = "rl"
    num_batches: Count = 1000
    batch_size: Positive = 16
    """Tasks in a batch."""
    group_size: Positive = 8
    """Samples for each task, or for each step of a demonstration."""
    num_tries: Positive = 1
    """Trials of a task in its trajectory group; a task that was solved is not tried again."""

    demonstration_variants: Positive = 1
    """Wordings of the scripted user in demonstrations, used in turn."""
    demonstrations: str | None = None
    """The trainer sft imitates the conversations of this file, from `tau2 export sft`.

    Null: reference episodes of the environment.
    """

    max_tokens: Positive = 1024
    temperature: Annotated[float, Field(ge=0.0)] = 1.0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    max_prompt_tokens: Positive | None = None
    """A longer prompt loses its oldest messages; null: the context length minus max_tokens."""
    tool_call_kwargs: ToolCallTags = ToolCallTags()

    learning_rate: Annotated[float, Field(ge=0.0)] = 4e-5
    discount_factor: Share = 0.9
    lr_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls to `lr_end` over the batches of a phase, after the warm-up."""
    lr_end: Share = 0.0
    """Share of the learning rate at the end of a linear or cosine schedule."""
    warmup_batches: Count | None = None
    """Batches over which the learning rate rises linearly at the beginning of a phase.

    Null: none for imitation; 10, or a third of a shorter phase, for policy gradients.
    """

    shuffle_rewards: bool = False
    """Deal out the rewards of each group at random: an ablation, which must not learn."""
    loss_fn: Literal["importance_sampling", "ppo"] = "ppo"
    """Loss of the policy gradient; fine-tuning always uses cross entropy."""
    clip_low: Above0 | None = None
    """`ppo` clips ratios below 1 - clip_low; null: the model's `clip`."""
    clip_high: Above0 | None = None
    """`ppo` clips ratios above 1 + clip_high; null: the model's `clip`."""
    loss_normalization: Literal["token_mean", "sequence_mean"] = "token_mean"
    """Mean over all tokens of an optimizer step, or over sequences of their means."""
    correction_cap: Above0 | None = 2.0
    """Cap of the correction for an engine whose probabilities differ; null: no correction."""
    probability_weight: Share = 0.0
    """Share of each token's advantage that is multiplied by the token's probability.

    Improbable tokens have the largest gradients; with it they move the model less.
    """
    mask_truncated: bool = True
    """Replies that max_tokens cut off are context, and are not trained on by policy gradients."""
    num_substeps: Positive = 1
    """Optimizer steps per batch."""
    mini_batch_size: Positive | None = None
    """Maximal number of sequences of one optimizer step.

    Null: the batch divided by num_substeps.
    """
    max_kl: Above0 | None = None
    """A step whose KL divergence from the batch's policy exceeds it is the batch's last."""
    kl_loss_coef: Annotated[float, Field(ge=0.0)] = 0.0
    """Coefficient of the KL divergence to the model without its adapter, in the loss (k3)."""
    compute_post_kl: bool = False
    """Estimate the KL divergence of each update, with one more forward pass."""
    kl_penalty_coef: Annotated[float, Field(ge=0.0)] = 0.0
    """Coefficient of the per-token KL penalty to the model without its adapter, in advantages."""
    kl_discount_factor: Share = 0.0
    """Discount factor with which the penalties of later tokens count for a token."""

    eval_every: Count = 20
    """Batches between evaluations; 0: none."""
    eval_group_size: Positive = 1
    eval_num_tries: Positive = 1
    eval_temperature: Annotated[float, Field(ge=0.0)] | None = None
    """null: as in training; 0: greedy."""
    eval_num_tasks: Positive | None = None
    """null: the whole split."""
    save_every: Count = 20
    """Batches between checkpoints; 0: only a final one."""
    keep_checkpoints: Positive | None = None
    """Keep the newest n numbered checkpoints, beside `best` and `final`; null: all."""
    guard_drop: Share | None = 0.25
    """Go back to `best` when that share of its metric was certainly lost; null: never.

    The metric is that of evaluations, or, where there are none, the mean reward of training.
    """
    guard_batches: Positive = 5
    """Batches of online episodes whose mean reward is compared where there are no evaluations."""
    max_rollbacks: Count = 3
    """Training ends, with the best model, when it would have to go back once more."""
    save_rollouts_every: Count | None = None
    """Batches between files of rollouts (JSON lines); null or 0: none."""
    best_metric: str = "final_reward"
    """The evaluation metric that selects the best checkpoint."""
    lora_rank: Positive = 32
    base_url: str | None = None
    """Address of a training service."""

    advantage_threshold: float | None = None
    """Fine-tune on steps with at least this advantage; null: on the best of each group."""
    num_sft_epochs: Positive = 1
    """Epochs of fine-tuning on the kept steps."""
    num_rl_batches: Count | None = None
    """Batches of the last phase of act_prm_sft_rl; null: num_batches."""
    action_prompts: bool = False
    """Start with a phase that imitates thoughts written with the action in view."""
    num_batches_action_prompts: Count = 0
    action_prompt_mini_batch_size: Positive = 32
    action_prompt_num_epochs: Positive = 10
    action_prompt_keep_top_k: Positive | None = None
    hide_observations: bool = False
    """Hide some observations from prompts for thoughts, to save context."""
    hidden_obs_content: str = "..."
    first_obs_to_show: Count = 2
    last_obs_to_show: Count = 1

    @model_validator(mode="after")
    def _consistent(self) -> TrainerConfig:
        if self.num_batches_action_prompts and not self.action_prompts:
            raise ValueError("num_batches_action_prompts is set, but action_prompts is false")
        return self


Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], values: JsonMapping, source: str) -> Model:
    """Return the values as a model. Raise ConfigError naming every mistake and the nearest key."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        mistakes = "; ".join(_mistake_text(model, one) for one in error.errors())
        raise ConfigError(f"{source}: {mistakes}") from None


def _mistake_text(model: type[BaseModel], mistake: JsonMapping) -> str:
    path = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] != "extra_forbidden":
        return f"{path or 'values'}: {mistake['msg']} (given: {mistake['input']!r:.80})"
    owner: Any = model
    for part in mistake["loc"][:-1]:
        owner = owner.model_fields[part].annotation
    return unknown_key(path, str(mistake["loc"][-1]), owner.model_fields)


def unknown_key(path: str, key: str, known: Iterable[str]) -> str:
    """Return a sentence that names an unknown key and the nearest known one."""
    near = nearest_name(key, known)
    hint = f"known: {', '.join(sorted(known))}" if near is None else f"did you mean {near!r}?"
    return f"unknown key {path!r}; {hint}"
