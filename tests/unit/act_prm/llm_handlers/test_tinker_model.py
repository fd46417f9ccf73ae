"""What is said to a training service, shown by a fake of its package (`make test-tinker` plays the
real one)."""

from __future__ import annotations

import asyncio
import math
import sys
from types import SimpleNamespace

import pytest

from act_prm.llm_handlers.client import AdamSettings, Datum, SamplingParams
from act_prm.llm_handlers.tinker_model import TinkerModel
from tau2.errors import DataFileError, ModelRefused, ModelUnavailable


class Kept(SimpleNamespace):
    """Any of the package's types: keeps what it was made of."""

    def __init__(self, *args, **kwargs):
        super().__init__(**kwargs)
        assert not args

    @classmethod
    def from_ints(cls, tokens):
        return cls(tokens=tokens)


class FakeError(Exception):
    pass


SDK = SimpleNamespace(
    types=SimpleNamespace(
        TensorData=Kept, Datum=Kept, ModelInput=Kept, SamplingParams=Kept, AdamParams=Kept
    ),
    TinkerError=FakeError,
)


class Letters:
    eos_token_id = 0

    def decode(self, ids, *, skip_special_tokens):
        return "".join(
            "" if one == 0 and skip_special_tokens else "$" if one == 0 else chr(one) for one in ids
        )


class Service:
    """A training client and its sampling clients: notes every request, answers plainly."""

    def __init__(self):
        self.asked = []
        self.broken = None

    def _answer(self, request, **answer):
        self.asked.append(request)

        async def result_async():
            if self.broken is not None:
                raise self.broken
            return SimpleNamespace(**answer)

        return SimpleNamespace(result_async=result_async)

    async def forward_backward_async(self, data, loss_fn, loss_fn_config=None):
        outputs = [{"logprobs": Kept(data=[-1.0] * len(one.model_input.tokens))} for one in data]
        return self._answer((loss_fn, data, loss_fn_config), loss_fn_outputs=outputs, metrics={})

    async def optim_step_async(self, params):
        return self._answer(("adam", params), metrics={"skyrl.ai/grad_norm": 2.0, "loss:sum": 1.0})

    async def save_state_async(self, name):
        return self._answer(("save", name), path="tinker://run/weights/1")

    async def load_state_with_optimizer_async(self, path):
        return self._answer(("load", path))

    async def save_weights_for_sampler_async(self, name):
        return self._answer(("weights", name), path="tinker://run/sampler_weights/1")

    async def save_weights_and_get_sampling_client_async(self):
        await asyncio.sleep(0)
        self.asked.append(("publish",))
        return self

    async def sample_async(self, *, prompt, num_samples, sampling_params):
        self.asked.append(("sample", prompt.tokens, num_samples, sampling_params))
        one = SimpleNamespace(tokens=[ord("h"), 0], logprobs=[-0.5, -0.25], stop_reason="stop")
        return SimpleNamespace(sequences=[one])

    async def compute_logprobs_async(self, prompt):
        return [None, *[-2.0] * (len(prompt.tokens) - 1)]

    def kinds(self):
        return [one[0] for one in self.asked]


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def model(service):
    return TinkerModel(
        service, SDK, name="m", tokenizer=Letters(), adam=AdamSettings(max_grad_norm=None)
    )


DATUM = Datum([5, 6, 7], [0.0, 1.0, 1.0], [0.0, 2.0, -4.0], [0.0, -1.0, -1.5])


def test_inputs_and_targets_lie_one_token_apart_and_the_mean_is_in_the_weights(model, service):
    report = asyncio.run(model.forward_backward([DATUM], "cross_entropy"))
    loss_fn, (sent,), config = service.asked[0]

    assert (loss_fn, config) == ("cross_entropy", None)
    assert sent.model_input.tokens == [5, 6]
    assert sent.loss_fn_inputs["target_tokens"] == Kept(data=[6, 7], dtype="int64", shape=[2])
    assert sent.loss_fn_inputs["weights"] == Kept(data=[0.5, 0.5], dtype="float32", shape=[2])
    assert set(sent.loss_fn_inputs) == {"target_tokens", "weights"}
    assert report.loss == 1.0
    assert report.metrics == {"n_tokens": 2.0}


def test_policy_losses_send_scaled_advantages_and_sampled_log_probabilities(model, service):
    report = asyncio.run(model.forward_backward([DATUM], "ppo"))
    _, (sent,), config = service.asked[0]

    assert config == {"clip_low_threshold": 0.8, "clip_high_threshold": 1.2}
    assert sent.loss_fn_inputs["advantages"].data == [1.0, -2.0]
    assert sent.loss_fn_inputs["logprobs"].data == [-1.0, -1.5]
    ratio = math.exp(0.5)  # of the second token, beyond the border, on the side that is not cut
    assert report.loss == pytest.approx(-(2.0 - 4.0 * ratio) / 2)
    assert report.metrics == pytest.approx(
        {
            "n_tokens": 2,
            "ratio_mean": (1 + ratio) / 2,
            "kl_to_old": (ratio - 1.5) / 2,
            "clip_fraction": 0.5,
        }
    )
    same = asyncio.run(model.forward_backward([DATUM], "importance_sampling"))
    assert same.loss == report.loss
    assert service.asked[1][2] is None


def test_what_carries_no_weight_is_not_sent(model, service):
    report = asyncio.run(model.forward_backward([Datum([1, 2], [0.0, 0.0])], "cross_entropy"))
    assert report.metrics == {"n_tokens": 0.0}
    assert service.asked == []


def test_each_prompt_is_sampled_by_a_seed_of_its_own_and_the_reply_is_kept_as_sampled(
    model, service
):
    params = SamplingParams(max_tokens=9, temperature=0.5, top_p=0.9, seed=4)
    first, second = asyncio.run(model.sample([[1, 2], [1, 2]], params))
    asked = [one for one in service.asked if one[0] == "sample"]

    assert first == second
    assert (first.tokens, first.logprobs, first.text, first.finished) == (
        [ord("h"), 0],
        [-0.5, -0.25],
        "h",
        True,
    )
    assert [(one[1], one[2]) for one in asked] == [([1, 2], 1)] * 2
    assert asked[0][3].seed != asked[1][3].seed
    assert all(0 <= one[3].seed < 2**31 for one in asked)
    assert vars(asked[0][3]) == {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": asked[0][3].seed,
        "stop": [0],
    }
    asyncio.run(model.sample([[1]], SamplingParams(max_tokens=1, stop=("!",))))
    assert service.asked[-1][3].stop == ["!", "$"]


def test_weights_are_published_once_for_all_who_wait_and_again_after_a_step(model, service):
    params = SamplingParams(max_tokens=1)

    async def play():
        await asyncio.gather(*(model.sample([[1]], params) for _ in range(3)))
        scored = await model.logprobs([[1, 2, 3]])
        told = await model.optim_step(1e-3)
        await model.sample([[1]], params)
        return scored, told

    assert asyncio.run(play()) == ([[0.0, -2.0, -2.0]], {"grad_norm": 2.0, "loss": 1.0})
    assert service.kinds() == ["publish", "sample", "sample", "sample", "adam", "publish", "sample"]
    assert vars(service.asked[4][1]) == {
        "learning_rate": 1e-3,
        "beta1": 0.9,
        "beta2": 0.95,
        "eps": 1e-8,
        "weight_decay": 0.0,
        "grad_clip_norm": 0.0,
    }


def test_a_state_lies_on_the_service_and_a_folder_says_where(model, service, tmp_path):
    asyncio.run(model.sample([[1]], SamplingParams(max_tokens=1)))
    place = tmp_path / "run 1" / "step-2"
    assert asyncio.run(model.save_state(place)) == str(place)
    other = TinkerModel(service, SDK, name="m", tokenizer=Letters(), seed=9)
    asyncio.run(other.load_state(place))

    assert service.asked[-2:] == [("save", "run-1-step-2"), ("load", "tinker://run/weights/1")]
    for one in (model, other):  # both go on with the same seeds
        asyncio.run(one.sample([[1]], SamplingParams(max_tokens=1)))
    samples = [one for one in service.asked if one[0] == "sample"]
    assert samples[-1][3].seed == samples[-2][3].seed != samples[0][3].seed
    assert asyncio.run(model.save_weights(place)) == "tinker://run/sampler_weights/1"
    with pytest.raises(DataFileError, match="the training state cannot be read"):
        asyncio.run(model.load_state(tmp_path))


def test_a_failing_service_is_an_infrastructure_error_without_the_key(model, service, monkeypatch):
    monkeypatch.setenv("TINKER_API_KEY", "tml-very-secret")
    service.broken = FakeError("401 for key tml-very-secret")
    with pytest.raises(ModelUnavailable, match="FakeError") as caught:
        asyncio.run(model.optim_step(1e-3))
    assert "very-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("told", "raised"),
    [
        ({"status_code": 400}, ModelRefused),
        ({"status_code": 429}, ModelUnavailable),
        ({"status_code": 503}, ModelUnavailable),
        ({"category": "user"}, ModelRefused),
        ({"category": "server"}, ModelUnavailable),
    ],
)
def test_a_request_at_fault_is_told_from_a_service_at_fault(model, service, told, raised):
    service.broken = FakeError("no")
    vars(service.broken).update(told)
    with pytest.raises(raised):
        asyncio.run(model.optim_step(1e-3))


def test_connecting_creates_adapters_at_the_address_and_lets_the_package_read_the_key(
    service, monkeypatch
):
    made = []

    class ServiceClient:
        def __init__(self, **options):
            made.append(options)

        async def create_lora_training_client_async(self, **options):
            made.append(options)
            return service

    package = SimpleNamespace(**vars(SDK), ServiceClient=ServiceClient)
    monkeypatch.setitem(sys.modules, "tinker", package)
    asyncio.run(
        TinkerModel.connect("m", lora_rank=8, base_url="http://here", seed=3, tokenizer=Letters())
    )

    assert made == [{"base_url": "http://here"}, {"base_model": "m", "rank": 8, "seed": 3}]
