"""The policy gradient compares like with like, and joined episodes have the gradient of their
steps."""

from __future__ import annotations

import asyncio
import math
import random

import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from act_prm.config import GeneratorConfig, TrainerConfig  # noqa: E402
from act_prm.llm_handlers.chat import Chat  # noqa: E402
from act_prm.llm_handlers.checkpoints import trained  # noqa: E402
from act_prm.llm_handlers.client import Datum, PolicyLoss, SamplingParams  # noqa: E402
from act_prm.llm_handlers.load import checkpoint_activations  # noqa: E402
from act_prm.llm_handlers.lora import LoraSettings  # noqa: E402
from act_prm.llm_handlers.losses import Targets, loss_sum  # noqa: E402
from act_prm.replay_buffer import EpisodeStep, merged  # noqa: E402
from act_prm.trainer import TrainingContext  # noqa: E402
from act_prm.trainer.update import policy_gradient  # noqa: E402

PROMPTS = [list(range(10, 40)), [5, 6, 7]]
DROPPING = LoraSettings(r=4, alpha=8, dropout=0.05)


def run(work):
    return asyncio.run(work)


def moved(model):
    """Give the adapters weights: fresh ones add nothing, so there would be nothing to drop."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trained(model.model).values():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model


def sampled(model, *, temperature=1.0, top_p=1.0, advantages=(1.0, -1.0, 0.5, -0.5)):
    """Sample replies to the prompts and return them as data."""
    params = SamplingParams(20, temperature=temperature, top_p=top_p, seed=1)
    prompts = PROMPTS * 2
    data = []
    for prompt, reply, advantage in zip(
        prompts, run(model.sample(prompts, params)), advantages, strict=True
    ):
        step = EpisodeStep(
            [], {}, [], [], [*prompt, *reply.tokens], len(prompt), reply.logprobs,
            temperature=temperature, top_p=top_p,
        )  # fmt: skip
        step.advantage = advantage
        data.append(step.datum())
    return data


def context(model, folder, **config):
    return TrainingContext(
        model, None, folder, TrainerConfig(**{"learning_rate": 1e-3, **config}), GeneratorConfig()
    )


def test_the_first_step_is_where_the_batch_was_sampled(tiny, tmp_path):
    model = moved(tiny(lora=DROPPING))
    data = sampled(model, temperature=0.7)
    found = run(policy_gradient(context(model, tmp_path, temperature=0.7), data, 0))
    assert (found["ratio_mean"], found["clip_fraction"], found["kl_to_old"]) == (1.0, 0.0, 0.0)
    assert found["engine_ratio_mean"] == pytest.approx(1.0, abs=1e-4)
    assert found["engine_ratio_max"] == pytest.approx(1.0, abs=1e-3)
    assert found["engine_ratio_capped"] == 0.0


@pytest.mark.parametrize(("temperature", "top_p"), [(0.7, 1.0), (1.3, 0.9)])
def test_the_learner_scores_what_was_sampled_as_it_was_sampled(tiny, temperature, top_p):
    model = moved(tiny(lora=DROPPING))
    data = sampled(model, temperature=temperature, top_p=top_p)
    for datum, row in zip(data, run(model.learner_logprobs(data)), strict=True):
        assert row == pytest.approx(datum.logprobs, abs=1e-3)


def test_later_steps_compare_with_the_policy_before_the_first(tiny, tmp_path):
    model = moved(tiny(lora=DROPPING))
    data = sampled(model, temperature=0.7)
    config = {"num_substeps": 2, "learning_rate": 0.0, "temperature": 0.7}
    found = run(policy_gradient(context(model, tmp_path, **config), data, 0))
    assert found["optimizer_steps"] == 2
    assert found["ratio_mean"] == pytest.approx(1.0, abs=1e-5)
    assert found["clip_fraction"] == 0.0


def test_checkpointed_activations_drop_nothing_and_give_the_same_gradient(tiny):
    plain, frugal = moved(tiny(lora=DROPPING)), moved(tiny(lora=DROPPING))
    checkpoint_activations(frugal.model.base_model.model)
    data = sampled(plain)
    for model in (plain, frugal):
        run(model.forward_backward(data, "ppo", PolicyLoss(on_policy=True)))
    assert torch.allclose(gradient(plain), gradient(frugal), atol=1e-7)


def gradient(model):
    return torch.cat([one.grad.flatten() for one in trained(model.model).values()])


def test_an_engine_that_differs_is_corrected_up_to_the_cap():
    new = torch.tensor([-1.0, -1.0, -1.0])
    engine = new - torch.tensor([0.5, 3.0, 9.0]).log()
    targets = Targets(torch.tensor([1.0, 1.0, 0.0]), torch.ones(3), engine)
    settings = PolicyLoss(correction_cap=2.0, on_policy=True)
    loss, watched = loss_sum("ppo", new, targets, settings)
    assert float(loss) == pytest.approx(-(0.5 + 2.0))
    assert float(watched["engine_ratio_mean"]) == pytest.approx(3.5)
    assert float(watched["engine_ratio_max"]) == pytest.approx(3.0)
    assert float(watched["engine_ratio_capped"]) == 1


def test_either_border_of_the_ratio_can_be_set():
    old = torch.tensor([-1.0, -1.0])
    new = old + torch.tensor([1.5, 0.5]).log()
    targets = Targets(torch.ones(2), torch.tensor([1.0, -1.0]), old)
    loss, _ = loss_sum("ppo", new, targets, PolicyLoss(clip_low=0.1, clip_high=0.3))
    assert float(loss) == pytest.approx(-(1.3 - 0.9))


def test_straying_from_the_reference_costs_its_divergence(tiny, tmp_path):
    model = moved(tiny())
    data = sampled(model)
    reference = run(model.learner_logprobs(data, reference=True))
    new = run(model.learner_logprobs(data))
    log_ratios = [
        referred - now
        for datum, row, other in zip(data, new, reference, strict=True)
        for weight, now, referred in zip(datum.weights, row, other, strict=True)
        if weight
    ]
    divergence = sum(math.exp(one) - 1.0 - one for one in log_ratios) / len(log_ratios)
    config = {"kl_loss_coef": 0.1, "learning_rate": 0.0, "correction_cap": None}
    found = run(policy_gradient(context(model, tmp_path, **config), data, 0))
    free = run(policy_gradient(context(model, tmp_path, **config | {"kl_loss_coef": 0.0}), data, 0))
    assert found["kl_to_reference"] == pytest.approx(divergence, rel=1e-3)
    assert found["loss"] - free["loss"] == pytest.approx(0.1 * divergence, rel=1e-2)


def test_a_mean_over_sequences_gives_short_ones_the_same_weight(tiny, tmp_path):
    model = tiny()
    data = [
        Datum([1, 2, 3], [0, 1, 1], [0, 1, 1], [0, -6, -6]),
        Datum([1, 2, 3, 4, 5, 6, 7, 8], [0, *[1] * 7], [0, *[2] * 7], [0, *[-6] * 7]),
    ]
    config = {"learning_rate": 0.0, "correction_cap": None}
    by_token = run(policy_gradient(context(model, tmp_path, **config), data, 0))
    config["loss_normalization"] = "sequence_mean"
    by_sequence = run(policy_gradient(context(model, tmp_path, **config), data, 0))
    assert by_token["loss"] == pytest.approx(-(2 * 1 + 7 * 2) / 9, rel=1e-5)
    assert by_sequence["loss"] == pytest.approx(-(1 + 2) / 2, rel=1e-5)


def random_episode(chance, turns, vocabulary=512):
    """Return the steps of an episode whose prompts continue, and the true mask of its tokens."""
    tokens = [chance.randrange(3, vocabulary) for _ in range(chance.randrange(1, 12))]
    steps = []
    mask = [False] * len(tokens)
    for turn in range(turns):
        reply = [chance.randrange(3, vocabulary) for _ in range(chance.randrange(1, 9))]
        step = EpisodeStep(
            [], {}, [], [], [*tokens, *reply], len(tokens),
            [chance.uniform(-9.0, -4.0) for _ in reply], timestep=turn,
        )  # fmt: skip
        step.advantage = chance.uniform(-1.0, 1.0)
        step.finished = chance.random() < 0.9
        steps.append(step)
        observed = [chance.randrange(3, vocabulary) for _ in range(chance.randrange(6))]
        tokens = [*tokens, *reply, *observed]
        mask += [step.finished] * len(reply) + [False] * len(observed)
    length = len(steps[-1].state_action_tokens)
    return steps, mask[:length]


@pytest.mark.parametrize("loss_fn", ["importance_sampling", "ppo", "cross_entropy"])
@pytest.mark.parametrize("seed", range(4))
def test_joined_episodes_have_the_loss_and_gradient_of_their_steps(tiny, loss_fn, seed):
    chance = random.Random(seed)
    episodes = [random_episode(chance, chance.randrange(1, 7))[0] for _ in range(5)]
    model, other = moved(tiny(train_tokens=200)), moved(tiny(train_tokens=200))
    policy = PolicyLoss(correction_cap=2.0)
    joined = [one.datum() for steps in episodes for one in merged(steps)]
    apart = [step.datum() for steps in episodes for step in steps]
    assert len(joined) == len(episodes)
    one = run(model.forward_backward(joined, loss_fn, policy))
    two = run(other.forward_backward(apart, loss_fn, policy))
    assert one.loss == pytest.approx(two.loss, abs=1e-5)
    assert one.metrics["n_tokens"] == two.metrics["n_tokens"]
    assert one.metrics["n_sequence_tokens"] <= two.metrics["n_sequence_tokens"]
    assert torch.allclose(gradient(model), gradient(other), atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_that_of_a_plain_reference(tiny, seed):
    """The reference scores one step at a time, with nothing batched, padded or joined."""
    chance = random.Random(seed)
    episodes = [random_episode(chance, chance.randrange(1, 6))[0] for _ in range(4)]
    model = moved(tiny(train_tokens=150))
    count = 0
    for parameter in trained(model.model).values():
        parameter.grad = None
    losses = []
    for step in (one for steps in episodes for one in steps if one.finished):
        ids = torch.tensor([step.state_action_tokens])
        scores = torch.log_softmax(model.model(input_ids=ids).logits[0, :-1], -1)
        for at in range(step.state_len, len(step.state_action_tokens)):
            new = scores[at - 1, step.state_action_tokens[at]]
            engine = step.old_logprobs[at - step.state_len]
            weight = min(math.exp(float(new.detach()) - engine), 2.0)
            losses.append(-weight * step.advantage * (new - new.detach()).exp())
            count += 1
    loss = sum(losses) / count
    loss.backward()
    total = float(loss.detach())
    plain = gradient(model).clone()
    for parameter in trained(model.model).values():
        parameter.grad = None
    data = [one.datum() for steps in episodes for one in merged(steps, mask_truncated=True)]
    policy = PolicyLoss(correction_cap=2.0, on_policy=True)
    report = run(model.forward_backward(data, "ppo", policy))
    assert report.loss == pytest.approx(total, abs=1e-5)
    assert report.metrics["n_tokens"] == count
    assert torch.allclose(gradient(model), plain, atol=1e-5)


def test_no_position_is_masked_wrongly_in_ten_thousand_turns():
    chance = random.Random(0)
    turns = 0
    wrong = 0
    while turns < 10_000:
        steps, mask = random_episode(chance, chance.randrange(1, 30))
        [one] = merged(steps, mask_truncated=True)
        turns += len(steps)
        assert one.tokens == steps[-1].state_action_tokens
        wrong += sum(bool(weight) != said for weight, said in zip(one.weights, mask, strict=True))
        at = 0
        for step in steps:
            reply = slice(step.state_len, len(step.state_action_tokens))
            wrong += one.logprobs[reply] != step.old_logprobs
            wrong += bool(step.finished) and set(one.advantages[reply]) != {step.advantage}
            wrong += any(one.weights[at : step.state_len])
            at = reply.stop
    assert wrong == 0


def test_a_chat_template_keeps_ten_thousand_sampled_turns_token_for_token(tiny):
    """Replies are random tokens, which an encoder would often split otherwise."""
    tokenizer = tiny().tokenizer
    chat = Chat(tokenizer)
    chance = random.Random(1)
    end = int(tokenizer.eos_token_id)
    usable = [token for token in range(3, 512) if "\ufffd" not in tokenizer.decode([token])]
    turns = 0
    wrong = 0
    encoded_otherwise = 0
    while turns < 10_000:
        messages = [{"role": "user", "content": "Where is my parcel?"}]
        so_far = []
        steps = []
        mask = []
        for turn in range(40):
            prompt = chat.following(so_far, messages[-2:]) if so_far else chat.prompt(messages)
            reply = [chance.choice(usable) for _ in range(chance.randrange(1, 10))]
            text = tokenizer.decode(reply)
            encoded_otherwise += chat.encode(text) != reply
            cut_off = chance.random() < 0.1
            reply = reply if cut_off else [*reply, end]
            mask += [False] * (len(prompt) - len(so_far)) + [True] * len(reply)
            so_far = [*prompt, *reply]
            steps.append(
                EpisodeStep([], {}, [], [], so_far, len(prompt), [-1.0] * len(reply), timestep=turn)
            )
            messages += [
                {"role": "assistant", "content": text},
                {"role": "user", "content": f"And {turn}?"},
            ]
            turns += 1
        sequences = merged(steps)
        wrong += len(sequences) - 1
        wrong += [bool(weight) for weight in sequences[0].weights] != mask
    assert wrong == 0
    assert encoded_otherwise > 1000


def test_trained_weights_are_kept_in_full_precision(tiny, tiny_folder):
    from transformers import AutoModelForCausalLM

    from act_prm.llm_handlers.torch_model import TorchModel

    tokenizer = tiny().tokenizer
    base = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.bfloat16)
    whole = TorchModel(base, tokenizer, name="half")
    assert {one.dtype for one in trained(whole.model).values()} == {torch.float32}
    data = sampled(whole)
    report = run(whole.forward_backward(data, "ppo", PolicyLoss(on_policy=True)))
    before = torch.cat([one.detach().flatten() for one in trained(base).values()])
    touched = gradient(whole) != 0
    run(whole.optim_step(1e-6))
    run(whole.close())
    after = torch.cat([one.detach().flatten() for one in trained(base).values()])
    assert report.metrics["engine_ratio_mean"] == pytest.approx(1.0, abs=0.05)
    # In bfloat16, most steps as small as this would be rounded away.
    assert int((after != before).sum()) > 0.9 * int(touched.sum()) > 0


def test_adapters_of_a_half_precision_model_are_full(tiny_folder, tiny):
    from transformers import AutoModelForCausalLM

    from act_prm.llm_handlers.lora import attach_lora
    from act_prm.llm_handlers.torch_model import TorchModel

    base = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.bfloat16)
    model = TorchModel(attach_lora(base, DROPPING, seed=0), tiny().tokenizer, name="half")
    assert {one.dtype for one in trained(model.model).values()} == {torch.float32}
    data = sampled(model, temperature=0.7)
    found = run(model.forward_backward(data, "ppo", PolicyLoss(on_policy=True)))
    run(model.close())
    assert found.metrics["ratio_mean"] == 1.0
    assert found.metrics["engine_ratio_mean"] == pytest.approx(1.0, abs=0.05)


def test_a_gradient_that_is_not_finite_is_dropped(tiny):
    model = tiny()
    before = gradient_free(model)
    data = sampled(model)
    run(model.forward_backward(data, "ppo", PolicyLoss(on_policy=True)))
    next(iter(trained(model.model).values())).grad.fill_(float("nan"))
    found = run(model.optim_step(1.0))
    assert (found["grad_norm"], found["skipped"]) == (0.0, 1.0)
    assert torch.equal(gradient_free(model), before)


def gradient_free(model):
    return torch.cat([one.detach().flatten() for one in trained(model.model).values()])
