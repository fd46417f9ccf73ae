"""Training in this process: losses against numbers worked out by hand, gradients against
differences, learning."""

from __future__ import annotations

import asyncio
import math

import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from act_prm.llm_handlers.chat import Chat, demonstrated_datum, sampled_datum  # noqa: E402
from act_prm.llm_handlers.checkpoints import trained  # noqa: E402
from act_prm.llm_handlers.client import AdamSettings, Datum, PolicyLoss, SamplingParams  # noqa: E402
from act_prm.llm_handlers.load import checkpoint_activations  # noqa: E402
from act_prm.llm_handlers.lora import LoraSettings  # noqa: E402
from act_prm.llm_handlers.losses import Targets, loss_sum  # noqa: E402
from tau2.errors import ConfigError, ContextWindowExceeded, DataFileError  # noqa: E402

RL = ("importance_sampling", "ppo")


def run(work):
    return asyncio.run(work)


def datum(tokens, *, start, advantage=1.0, old=-5.0):
    """A sequence in the loss from `start` on."""
    weights = [float(at >= start) for at in range(len(tokens))]
    return Datum(tokens, weights, [advantage * w for w in weights], [old * w for w in weights])


DATA = [
    datum([5, 6, 7, 8, 9], start=2),
    datum(list(range(20, 60)), start=30, advantage=-0.5, old=-6.5),
]


@pytest.mark.parametrize(
    ("loss_fn", "expected"),
    [
        ("cross_entropy", 0.5 + 1.0 + 2.0),
        ("importance_sampling", -(2.0 * 1.0 + 0.5 * 1.0 + 2.0 * -1.0)),
        (
            "ppo",
            -(1.2 * 1.0 + 0.5 * 1.0 + 2.0 * -1.0),
        ),  # only the gain that grew beyond the border is cut
    ],
)
def test_losses_by_hand(loss_fn, expected):
    new = torch.tensor([-0.5, -1.0, -2.0, -3.0])
    ratio = torch.tensor([2.0, 0.5, 2.0, 9.0])
    targets = Targets(
        torch.tensor([1.0, 1.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, -1.0, 1.0]), new - ratio.log()
    )

    loss, watched = loss_sum(loss_fn, new, targets, PolicyLoss())

    assert float(loss) == pytest.approx(expected)
    if loss_fn != "cross_entropy":
        assert float(watched["ratio_mean"]) == pytest.approx(4.5)
        assert float(watched["clip_fraction"]) == 3
        assert float(watched["kl_to_old"]) == pytest.approx(
            2 * (1 - math.log(2)) + (-0.5 + math.log(2))
        )


@pytest.mark.parametrize("loss_fn", ["cross_entropy", *RL])
def test_the_reported_loss_is_the_mean_over_the_tokens_in_it(tiny, loss_fn):
    model = tiny()
    new = run(model.logprobs([one.tokens for one in DATA]))
    terms = []
    for one, row in zip(DATA, new, strict=True):
        for weight, advantage, old, logprob in zip(
            one.weights, one.advantages, one.logprobs, row, strict=True
        ):
            ratio = math.exp(logprob - old)
            gain = ratio * advantage
            if loss_fn == "ppo":
                gain = min(gain, min(max(ratio, 0.8), 1.2) * advantage)
            if weight:
                terms.append(-logprob if loss_fn == "cross_entropy" else -gain)

    report = run(model.forward_backward(DATA, loss_fn))

    assert report.metrics["n_tokens"] == len(terms) == 13
    assert report.loss == pytest.approx(sum(terms) / len(terms), rel=1e-4)
    assert 0 < report.metrics["entropy"] <= math.log(512)


@pytest.mark.parametrize("loss_fn", ["cross_entropy", *RL])
def test_gradients_are_what_small_differences_say(tiny, loss_fn):
    model = tiny(lora=None)
    near = [datum(one.tokens, start=one.weights.index(1.0), old=-6.2) for one in DATA]
    run(model.forward_backward(near, loss_fn))
    parameters = list(trained(model.model).values())
    gradients = [one.grad.clone() for one in parameters]
    length = math.sqrt(sum(float((one**2).sum()) for one in gradients))

    def loss_along(step):
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.add_(gradient, alpha=step / length)
        report = run(model.forward_backward(near, loss_fn))
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=step / length)
        return report.loss

    slope = (loss_along(0.02) - loss_along(-0.02)) / 0.04
    assert slope == pytest.approx(length, rel=0.02)


def test_small_passes_add_up_to_the_large_one_and_calls_accumulate(tiny):
    def gradients(model, *calls):
        for call in calls:
            run(model.forward_backward(call, "importance_sampling"))
        return torch.cat([one.grad.flatten() for one in trained(model.model).values()])

    whole = gradients(tiny(train_tokens=10_000), DATA)
    assert torch.allclose(gradients(tiny(train_tokens=1), DATA), whole, atol=1e-6)
    assert torch.allclose(gradients(tiny(), DATA, DATA), 2 * whole, atol=1e-6)


def test_what_carries_no_weight_moves_nothing(tiny):
    model = tiny()
    report = run(model.forward_backward([Datum([1, 2, 3], [0.0] * 3, [1.0] * 3, [0.0] * 3)], "ppo"))
    assert (report.loss, report.metrics) == (0.0, {"n_tokens": 0.0})
    assert all(one.grad is None for one in trained(model.model).values())
    assert run(model.optim_step(1e-3))["grad_norm"] == 0.0


@pytest.mark.parametrize("loss_fn", ["cross_entropy", *RL])
def test_what_sequences_begin_with_is_evaluated_once_and_changes_no_gradient(tiny, loss_fn):
    policy = list(range(30, 110))
    data = [
        datum([*policy, *range(at, at + 20 + at)], start=85 + at, advantage=1.0 - at)
        for at in range(3)
    ]
    together, alone = tiny(train_tokens=10_000), tiny(train_tokens=1)
    seen = []
    together.model.register_forward_pre_hook(
        lambda _module, _args, given: seen.append(tuple(given["input_ids"].shape)),
        with_kwargs=True,
    )
    for model in (together, alone):
        run(model.forward_backward(data, loss_fn))
    assert seen == [(1, 80), (3, 22)]
    for one, other in zip(
        trained(together.model).values(), trained(alone.model).values(), strict=True
    ):
        assert torch.allclose(one.grad, other.grad, atol=1e-6)


def test_checkpointed_activations_give_the_same_gradient(tiny):
    plain, frugal = tiny(), tiny()
    checkpoint_activations(frugal.model.base_model.model)
    for model in (plain, frugal):
        run(model.forward_backward(DATA, "cross_entropy"))
    for one, other in zip(
        trained(plain.model).values(), trained(frugal.model).values(), strict=True
    ):
        assert torch.allclose(one.grad, other.grad, atol=1e-6)


def test_thirty_steps_of_policy_gradient_make_a_rewarded_token_likely(tiny):
    model = tiny()
    prompt, liked = [40, 41, 42], 77
    params = SamplingParams(max_tokens=1)

    def liking():
        return math.exp(run(model.logprobs([[*prompt, liked]]))[0][-1])

    before = liking()
    for _ in range(30):
        replies = run(model.sample([prompt] * 64, params))
        rewards = [float(reply.tokens[0] % 8 == liked % 8) for reply in replies]
        mean = sum(rewards) / len(rewards)
        data = [
            sampled_datum(prompt, reply, advantage=reward - mean)
            for reply, reward in zip(replies, rewards, strict=True)
        ]
        run(model.forward_backward(data, "importance_sampling"))
        run(model.optim_step(2e-2))

    replies = run(model.sample([prompt] * 64, params))
    assert before < 0.01
    assert sum(reply.tokens[0] % 8 == liked % 8 for reply in replies) > 48


def test_imitation_learns_a_sentence_by_heart(tiny):
    model = tiny(lora=LoraSettings(r=16, alpha=32))
    chat = Chat(model.tokenizer)
    prompt = chat.prompt([{"role": "user", "content": "Where is my parcel?"}])
    sentence = chat.reply("It will be with you on Monday.")
    losses = []
    for _ in range(120):
        losses.append(
            run(
                model.forward_backward([demonstrated_datum(prompt, sentence)], "cross_entropy")
            ).loss
        )
        run(model.optim_step(1e-2))

    assert losses[0] > 4.0
    assert losses[-1] < 0.2
    (said,) = run(model.sample([prompt], SamplingParams(max_tokens=60, temperature=0.0)))
    assert said.text == "It will be with you on Monday."
    assert said.finished


def test_dropout_is_on_in_training_alone_and_repeats_from_run_to_run(tiny):
    def losses():
        model = tiny(lora=LoraSettings(r=4, alpha=8, dropout=0.5), seed=3)
        for parameter in trained(model.model).values():
            torch.nn.init.constant_(
                parameter, 0.05
            )  # fresh adapters add nothing, so nothing to drop
        scored = run(model.logprobs([DATA[0].tokens]))
        assert run(model.logprobs([DATA[0].tokens])) == scored
        return [run(model.forward_backward(DATA, "cross_entropy")).loss for _ in range(2)]

    first, second = losses()
    assert first != second
    assert losses() == [first, second]


def trained_a_little(model, steps=2):
    for _ in range(steps):
        prompt = [5, 6, 7]
        replies = run(model.sample([prompt] * 4, SamplingParams(max_tokens=5)))
        run(
            model.forward_backward(
                [sampled_datum(prompt, one, advantage=1.0) for one in replies], "ppo"
            )
        )
        run(model.optim_step(1e-2))
    return run(model.logprobs([list(range(20))]))


def test_a_resumed_run_goes_on_as_if_it_had_never_stopped(tiny, tmp_path):
    straight, stopped, resumed = tiny(seed=5), tiny(seed=5), tiny(seed=9)
    trained_a_little(straight)
    trained_a_little(stopped)
    saved = run(stopped.save_state(tmp_path / "state"))
    run(resumed.load_state(tmp_path / "state"))

    assert saved == str(tmp_path / "state")
    assert trained_a_little(resumed) == trained_a_little(straight)
    assert sorted(one.name for one in (tmp_path / "state").iterdir()) == [
        "optimizer.safetensors",
        "state.json",
        "weights.safetensors",
    ]


def test_an_optimizer_that_begins_anew_takes_the_step_of_a_new_one(tiny):
    model, other = tiny(), tiny()
    for _ in range(2):
        run(model.forward_backward(DATA, "cross_entropy"))
        run(model.optim_step(0.0))
    run(model.reset_optimizer())
    for one in (model, other):
        run(one.forward_backward(DATA, "cross_entropy"))
        run(one.optim_step(1e-2))
    assert run(model.logprobs([[5, 6, 7]])) == run(other.logprobs([[5, 6, 7]]))


def test_a_state_that_does_not_fit_changes_nothing_and_says_why(tiny, tmp_path):
    model, other = tiny(), tiny(lora=LoraSettings(r=2, alpha=8))
    run(model.save_state(tmp_path / "state"))
    before = run(other.logprobs([[1, 2, 3]]))
    with pytest.raises(DataFileError, match="has shape"):
        run(other.load_state(tmp_path / "state"))
    with pytest.raises(DataFileError, match="missing"):
        run(tiny(lora=None).load_state(tmp_path / "state"))
    with pytest.raises(DataFileError, match="the training state cannot be read"):
        run(other.load_state(tmp_path / "nowhere"))
    (tmp_path / "state" / "weights.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(DataFileError, match="the tensors cannot be read"):
        run(model.load_state(tmp_path / "state"))
    assert run(other.logprobs([[1, 2, 3]])) == before


def test_saved_weights_are_an_adapter_that_its_own_library_reads(tiny, tiny_folder, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = tiny()
    expected = trained_a_little(model)
    run(model.save_weights(tmp_path / "adapter"))
    loaded = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tiny_folder), tmp_path / "adapter"
    ).eval()

    ids = torch.tensor([list(range(20))])
    with torch.no_grad():
        scores = torch.log_softmax(loaded(input_ids=ids).logits[0, :-1], -1)
    found = scores.gather(-1, ids[0, 1:].unsqueeze(-1)).squeeze(-1).tolist()
    assert found == pytest.approx(expected[0][1:], abs=1e-5)


def test_long_gradients_are_shortened_to_the_limit(tiny):
    def moved(limit):
        model = tiny(
            adam=AdamSettings(eps=1.0, max_grad_norm=limit)
        )  # a large eps lets the length show
        before = [one.detach().clone() for one in trained(model.model).values()]
        run(model.forward_backward(DATA, "cross_entropy"))
        norm = run(model.optim_step(1.0))["grad_norm"]
        after = [one.detach() for one in trained(model.model).values()]
        return norm, math.sqrt(
            sum(float(((a - b) ** 2).sum()) for a, b in zip(after, before, strict=True))
        )

    norm, far = moved(None)
    same, near = moved(norm / 10)
    assert norm == same > 0
    assert near < 0.2 * far


def test_too_long_a_sequence_and_an_untrainable_model_are_refused(tiny):
    model = tiny(max_length=10)
    with pytest.raises(ContextWindowExceeded, match="exceeds the 10"):
        run(model.logprobs([[1] * 11]))
    with pytest.raises(ContextWindowExceeded, match="exceeds the 10"):
        run(model.forward_backward([datum([1] * 11, start=3)], "ppo"))
    with pytest.raises(ConfigError, match="no parameters to train"):
        type(model)(
            model.model.base_model.requires_grad_(requires_grad=False),
            model.tokenizer,
            name="frozen",
        )
