"""The model protocol over a training service with Tinker's API, through the package `tinker`.

After each optimizer step, the next sample or score publishes new sampling weights. The service sums
the loss over tokens, so weights are scaled to give the mean that `client` specifies. The package
reads the credentials itself (TINKER_API_KEY); they are in no message of this module. The
log-probabilities of samples are those of the service, which may ignore the temperature.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from act_prm.llm_handlers.client import (
    AdamSettings,
    Datum,
    LossReport,
    PolicyLoss,
    SampledCompletion,
    SamplingParams,
    checked,
)
from act_prm.llm_handlers.folders import whole_folder
from tau2.errors import ConfigError, DataFileError, ModelRefused, ModelUnavailable, needs_extra
from tau2.llm.secrets import redact, secrets_in_args
from tau2.seeds import derive_seed

Result = TypeVar("Result")

_STATE = "tinker_state.json"
_MAX_LOG_RATIO = 20.0  # as in losses.py
_KEY = "TINKER_API_KEY"
_RETRYABLE_STATUS = frozenset({408, 409, 429})


class TinkerModel:
    """A `client.TrainableModel` over a training client of the service; `connect` creates one."""

    def __init__(
        self,
        training: Any,
        sdk: Any,
        *,
        name: str,
        seed: int = 0,
        clip: float = 0.2,
        adam: AdamSettings | None = None,
        tokenizer: Any = None,
    ) -> None:
        self.name = name
        self.tokenizer = tokenizer if tokenizer is not None else training.get_tokenizer()
        self._training = training
        self._sdk = sdk
        self._seed = seed
        self._clip = clip
        self._adam = adam or AdamSettings()
        self._calls = 0
        self._sampling: Any = None
        self._publishing = asyncio.Lock()

    @classmethod
    async def connect(
        cls,
        model_name: str,
        *,
        lora_rank: int = 32,
        base_url: str | None = None,
        seed: int = 0,
        **options: Any,
    ) -> TinkerModel:
        """Return a model with new adapters on the service.

        Raise MissingExtra, ConfigError, ModelRefused or ModelUnavailable.
        """
        with needs_extra("tinker", "tinker"):
            import tinker  # noqa: PLC0415  -- an optional package
        if not base_url and not os.environ.get(_KEY):
            raise ConfigError(f"the service at its public address needs a key in {_KEY}")
        with _service_errors(tinker, model_name):
            service = tinker.ServiceClient(**({"base_url": base_url} if base_url else {}))
            training = await service.create_lora_training_client_async(
                base_model=model_name, rank=lora_rank, seed=seed
            )
        return cls(training, tinker, name=model_name, seed=seed, **options)

    async def sample(
        self, prompts: Sequence[list[int]], params: SamplingParams
    ) -> list[SampledCompletion]:
        """Return one completion per prompt; see `client.TrainableModel`."""
        base = params.seed
        if base is None:
            self._calls += 1
            base = derive_seed(self._seed, "sample", self._calls)
        client = await self._sampling_client()
        asked = (
            self._sample_one(client, list(one), params, _seed(base, at))
            for at, one in enumerate(prompts)
        )
        return list(await self._served(asyncio.gather(*asked)))

    async def logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        """Return the log-probability of each token; the first entry is 0.0."""
        client = await self._sampling_client()
        asked = (client.compute_logprobs_async(self._input(one)) for one in sequences)
        found = await self._served(asyncio.gather(*asked))
        logprobs = []
        for tokens, row in zip(sequences, found, strict=True):
            # For the first token, servers send None or nothing.
            missing = [0.0] * (len(tokens) - len(row))
            logprobs.append(missing + [0.0 if one is None else float(one) for one in row])
        return logprobs

    async def forward_backward(
        self, data: Sequence[Datum], loss_fn: str, policy: PolicyLoss | None = None
    ) -> LossReport:
        """Accumulate the gradient of the loss; see `client.TrainableModel`.

        Of `policy` the service has the clip range alone: it samples and trains with one model, so
        its ratio to the sampled log-probabilities is the correction.
        """
        kept = checked(data, loss_fn)
        total = sum(sum(datum.weights) for datum in kept)
        if not total:
            return LossReport(0.0, {"n_tokens": 0.0})
        sent = [self._sent(datum, loss_fn, total) for datum in kept]
        low, high = self._clip_range(policy)
        config = {"clip_low_threshold": low, "clip_high_threshold": high}
        options = {"loss_fn_config": config} if loss_fn == "ppo" else {}
        answer = await self._finished(
            self._training.forward_backward_async(sent, loss_fn, **options)
        )
        new = [[0.0, *_numbers(one["logprobs"])] for one in answer.loss_fn_outputs]
        return report_of(kept, new, loss_fn, clip=(low, high))

    def _clip_range(self, policy: PolicyLoss | None) -> tuple[float, float]:
        """Return the lowest and the highest ratio that are not clipped."""
        low = policy.clip_low if policy is not None else None
        high = policy.clip_high if policy is not None else None
        return (
            1.0 - (self._clip if low is None else low),
            1.0 + (self._clip if high is None else high),
        )

    async def optim_step(self, learning_rate: float) -> dict[str, float]:
        """Take one Adam step; return the service's metrics, with `grad_norm` if it reports it."""
        adam = self._adam
        params = self._sdk.types.AdamParams(
            learning_rate=learning_rate,
            beta1=adam.beta1,
            beta2=adam.beta2,
            eps=adam.eps,
            weight_decay=adam.weight_decay,
            grad_clip_norm=adam.max_grad_norm or 0.0,
        )
        answer = await self._finished(self._training.optim_step_async(params))
        self._sampling = None
        # Names without prefix (`skyrl.ai/grad_norm`) and reduction (`loss:sum`).
        return {
            metric.rpartition("/")[2].partition(":")[0]: float(value)
            for metric, value in (answer.metrics or {}).items()
        }

    async def save_state(self, path: Path) -> str:
        """Save weights and optimizer on the service, and their address in the folder `path`."""
        answer = await self._finished(self._training.save_state_async(_label(path)))
        state = {
            "tinker_path": answer.path,
            "name": self.name,
            "calls": self._calls,
            "seed": self._seed,
        }
        with whole_folder(path) as draft:
            (draft / _STATE).write_text(
                json.dumps(state, indent=1, sort_keys=True) + "\n", encoding="utf-8"
            )
        return str(path)

    async def load_state(self, path: Path) -> None:
        """Restore what `save_state` wrote. Raise DataFileError if it cannot be read."""
        try:
            state = json.loads((path / _STATE).read_text(encoding="utf-8"))
            address = str(state["tinker_path"])
            calls = int(state["calls"])
            seed = int(state["seed"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataFileError(
                f"{path / _STATE}: the training state cannot be read: {error}"
            ) from error
        await self._finished(self._training.load_state_with_optimizer_async(address))
        self._calls = calls
        self._seed = seed
        self._sampling = None

    async def save_weights(self, path: Path) -> str:
        """Save the adapter on the service for sampling; return its address."""
        answer = await self._finished(self._training.save_weights_for_sampler_async(_label(path)))
        return str(answer.path)

    async def close(self) -> None:
        """Drop the clients; the service frees unused resources."""
        self._training = None
        self._sampling = None

    async def _sampling_client(self) -> Any:
        # Concurrent rollouts publish the weights once.
        async with self._publishing:
            if self._sampling is None:
                made = self._training.save_weights_and_get_sampling_client_async()
                self._sampling = await self._served(made)
            return self._sampling

    async def _sample_one(
        self, client: Any, prompt: list[int], params: SamplingParams, seed: int
    ) -> SampledCompletion:
        asked = self._sdk.types.SamplingParams(
            max_tokens=params.max_tokens,
            temperature=params.temperature,
            top_p=params.top_p,
            seed=seed,
            stop=self._stop(params),
        )
        answer = await client.sample_async(
            prompt=self._input(prompt), num_samples=1, sampling_params=asked
        )
        sampled = answer.sequences[0]
        if sampled.logprobs is None or len(sampled.logprobs) != len(sampled.tokens):
            raise ModelUnavailable(
                f"{self.name}: the service returned a sample without its log-probabilities"
            )
        text = str(self.tokenizer.decode(list(sampled.tokens), skip_special_tokens=True))
        return SampledCompletion(
            list(sampled.tokens), list(sampled.logprobs), text, sampled.stop_reason == "stop"
        )

    def _stop(self, params: SamplingParams) -> list[Any]:
        """Return the stop conditions as the service takes them: token ids or texts, never both."""
        end = int(self.tokenizer.eos_token_id)
        if not params.stop:
            return [end]
        return [*params.stop, str(self.tokenizer.decode([end], skip_special_tokens=False))]

    def _input(self, tokens: Sequence[int]) -> Any:
        return self._sdk.types.ModelInput.from_ints(list(tokens))

    def _sent(self, datum: Datum, loss_fn: str, total: float) -> Any:
        """Return the datum in the service's form: shifted targets, weights in the advantages."""
        scale = [weight / total for weight in datum.weights[1:]]
        inputs: dict[str, tuple[list[Any], str]] = {"target_tokens": (datum.tokens[1:], "int64")}
        if loss_fn == "cross_entropy":
            inputs["weights"] = (scale, "float32")
        else:
            advantages, logprobs = _policy_parts(datum)
            inputs["advantages"] = (
                [a * w for a, w in zip(advantages[1:], scale, strict=True)],
                "float32",
            )
            inputs["logprobs"] = (logprobs[1:], "float32")
        tensors = {
            name: self._sdk.types.TensorData(data=values, dtype=dtype, shape=[len(values)])
            for name, (values, dtype) in inputs.items()
        }
        return self._sdk.types.Datum(
            model_input=self._input(datum.tokens[:-1]), loss_fn_inputs=tensors
        )

    async def _finished(self, submitted: Awaitable[Any]) -> Any:
        """Return the result of a request that first returns a future."""
        with _service_errors(self._sdk, self.name):
            future = await submitted
            return await future.result_async()

    async def _served(self, work: Awaitable[Result]) -> Result:
        with _service_errors(self._sdk, self.name):
            return await work


def report_of(
    data: Sequence[Datum],
    new: Sequence[Sequence[float]],
    loss_fn: str,
    *,
    clip: tuple[float, float],
) -> LossReport:
    """Return the loss and its metrics, from the log-probabilities that a service computed.

    `new` has one row per datum, [token], in nats; `clip` is the range of ratios. The formulas are
    those of `losses.loss_sum`.
    """
    total = sum(sum(datum.weights) for datum in data)
    count = sum(datum.n_trained for datum in data)
    if loss_fn == "cross_entropy":
        summed = sum(
            w * n
            for datum, row in zip(data, new, strict=True)
            for w, n in zip(datum.weights, row, strict=True)
        )
        return LossReport(-summed / total, {"n_tokens": float(count)})
    gains = ratios = kl = clipped = 0.0
    for weight, advantage, log_ratio in _policy_terms(data, new):
        ratio = math.exp(log_ratio)
        near = min(max(ratio, clip[0]), clip[1])
        gain = ratio * advantage
        gains += weight * (min(gain, near * advantage) if loss_fn == "ppo" else gain)
        ratios += ratio
        kl += ratio - 1.0 - log_ratio
        clipped += ratio != near
    sums = {"ratio_mean": ratios, "kl_to_old": kl, "clip_fraction": clipped}
    metrics = {name: value / count for name, value in sums.items()}
    return LossReport(-gains / total, {"n_tokens": float(count), **metrics})


def _policy_terms(
    data: Sequence[Datum], new: Sequence[Sequence[float]]
) -> Iterator[tuple[float, float, float]]:
    for datum, row in zip(data, new, strict=True):
        advantages, old = _policy_parts(datum)
        for weight, advantage, before, now in zip(datum.weights, advantages, old, row, strict=True):
            if weight:
                yield weight, advantage, min(now - before, _MAX_LOG_RATIO)


def _policy_parts(datum: Datum) -> tuple[list[float], list[float]]:
    assert datum.advantages is not None, "checked() lets no other datum pass"
    assert datum.logprobs is not None, "likewise"
    return datum.advantages, datum.logprobs


def _numbers(tensor: Any) -> list[float]:
    return [float(one) for one in tensor.data]


def _seed(base: int, at: int) -> int:
    # Services accept 31 bits.
    return derive_seed(base, "prompt", at) >> 1


def _label(path: Path) -> str:
    """Return a name that the service accepts: ASCII letters, digits, dashes and underscores."""
    kept = (
        letter if letter.isascii() and (letter.isalnum() or letter in "_-") else "-"
        for letter in "-".join(path.parts[-2:])
    )
    return "".join(kept).strip("-") or "state"


@contextmanager
def _service_errors(sdk: Any, name: str) -> Iterator[None]:
    """Raise errors of the package as ModelUnavailable or ModelRefused, with secrets redacted."""
    try:
        yield
    except sdk.TinkerError as error:
        secrets = secrets_in_args({"api_key": os.environ.get(_KEY)})
        details = f"({type(error).__name__}): {redact(str(error), secrets)}"
        if _is_refusal(error):
            raise ModelRefused(
                f"{name}: the training service refuses the request {details}"
            ) from None
        raise ModelUnavailable(f"{name}: the training service failed {details}") from None


def _is_refusal(error: Exception) -> bool:
    """Return whether the request is at fault, by HTTP status or the service's error category."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return 400 <= status < 500 and status not in _RETRYABLE_STATUS  # noqa: PLR2004  -- HTTP
    return str(getattr(error, "category", "")).lower().endswith("user")
