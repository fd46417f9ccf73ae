"""What is sampled: the same tokens from the same seed whatever else is in the batch, with exact
log-probabilities."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
pytest.importorskip("transformers", reason="tests of training need transformers")
pytest.importorskip("peft", reason="tests of training need peft")

from act_prm.llm_handlers.client import Datum, SamplingParams  # noqa: E402
from act_prm.llm_handlers.sampling import SamplingRule, draw  # noqa: E402
from tau2.errors import ContextWindowExceeded  # noqa: E402

SHORT, LONG = [5, 6, 7], list(range(10, 90))


def sampled(model, prompts, **params):
    return asyncio.run(
        model.sample(prompts, SamplingParams(**{"max_tokens": 24, "seed": 1, **params}))
    )


def test_a_sample_depends_on_its_prompt_its_place_and_the_seed_alone(tiny):
    model = tiny()
    together = sampled(model, [LONG, SHORT, LONG, SHORT])

    assert sampled(model, [LONG])[0].tokens == together[0].tokens
    assert (
        sampled(model, [SHORT, SHORT])[1].tokens == together[1].tokens
    )  # another neighbour, the same place
    assert sampled(tiny(sample_tokens=1), [LONG, SHORT, LONG, SHORT]) != []
    one_by_one = sampled(tiny(sample_tokens=1), [LONG, SHORT, LONG, SHORT])
    assert [one.tokens for one in one_by_one] == [one.tokens for one in together]
    assert together[0].tokens != together[2].tokens  # a group of one prompt differs within itself
    assert sampled(model, [LONG], seed=2)[0].tokens != together[0].tokens


def test_what_all_prompts_begin_with_is_computed_once_and_changes_nothing(tiny):
    start = list(range(100, 160))
    prompts = [[*start, *rest] for rest in ([5, 6, 7], [5, 8], [9] * 20)]
    model = tiny()
    computed = []
    model.model.register_forward_pre_hook(
        lambda _, __, given: computed.append(given["input_ids"].numel()), with_kwargs=True
    )
    together = sampled(model, prompts)
    assert computed[:2] == [60, 3 * 20]
    for prompt, reply in zip(prompts, together, strict=True):
        # Under the plain model, without a cache.
        [scored] = asyncio.run(model.logprobs([[*prompt, *reply.tokens]]))
        assert scored[len(prompt) :] == pytest.approx(reply.logprobs, abs=1e-4)
    assert sampled(tiny(), prompts[:1])[0].tokens == together[0].tokens
    same = sampled(model, [start, [*start, 5]])  # all of a prompt may be a beginning of another
    assert sampled(tiny(), [start])[0].tokens == same[0].tokens


def test_calls_that_wait_at_the_same_time_are_one_batch_and_give_what_each_gives_alone(tiny):
    model = tiny()
    params = [
        SamplingParams(max_tokens=24, seed=seed, temperature=temperature)
        for seed in (1, 2)
        for temperature in (1.0, 0.5)
    ]

    async def at_once():
        return await asyncio.gather(*(model.sample([SHORT, LONG], one) for one in params))

    alone = [asyncio.run(model.sample([SHORT, LONG], one)) for one in params]
    assert [[one.tokens for one in call] for call in asyncio.run(at_once())] == [
        [one.tokens for one in call] for call in alone
    ]


def test_samples_without_a_seed_differ_from_call_to_call_and_repeat_from_run_to_run(tiny):
    def two_calls():
        model = tiny(seed=7)
        return [sampled(model, [SHORT], seed=None)[0].tokens for _ in range(2)]

    first, second = two_calls()
    assert first != second
    assert two_calls() == [first, second]


def test_the_log_probabilities_are_those_a_plain_forward_pass_finds(tiny):
    model = tiny()
    prompts = [SHORT, LONG, SHORT]
    replies = sampled(model, prompts)
    scored = asyncio.run(
        model.logprobs([p + r.tokens for p, r in zip(prompts, replies, strict=True)])
    )

    for prompt, reply, row in zip(prompts, replies, scored, strict=True):
        assert row[0] == 0.0
        assert row[len(prompt) :] == pytest.approx(reply.logprobs, abs=1e-4)


def test_in_half_precision_sampling_and_scoring_still_agree(tiny):
    model = tiny()
    model.model.bfloat16()
    replies = sampled(model, [LONG] * 4)
    scored = asyncio.run(model.logprobs([LONG + reply.tokens for reply in replies]))

    for reply, row in zip(replies, scored, strict=True):
        assert row[len(LONG) :] == pytest.approx(reply.logprobs, abs=0.1)


def test_the_end_of_turn_finishes_a_reply_and_max_tokens_cuts_it(tiny):
    replies = sampled(tiny(), [SHORT] * 40, max_tokens=6)
    end = 2

    assert {reply.finished for reply in replies} == {True, False}
    for reply in replies:
        assert reply.finished == (reply.tokens[-1] == end)
        assert end not in reply.tokens[:-1]
        assert reply.finished or len(reply.tokens) == 6
        assert "<|im_end|>" not in reply.text


def test_a_stop_text_ends_the_reply_and_stays_in_it(tiny):
    (cut,) = sampled(tiny(), [SHORT], stop=("e",), max_tokens=200)
    (whole,) = sampled(tiny(), [SHORT], max_tokens=200, stop=("no such text",))

    assert cut.tokens == whole.tokens[: len(cut.tokens)]
    assert cut.finished
    assert "e" in cut.text or cut.tokens[-1] == 2


def test_greedy_takes_the_likeliest_token_and_says_it_was_certain(tiny):
    first, second = sampled(tiny(), [SHORT, SHORT], temperature=0.0)
    assert first.tokens == second.tokens
    assert set(first.logprobs) == {0.0}


def test_draws_follow_the_distribution_they_report():
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    source = random.Random(0)
    for temperature, top_p in ((1.0, 1.0), (0.5, 1.0), (1.0, 0.8)):
        drawing = SamplingRule(temperature, top_p, lambda tokens: False)
        seen, told = Counter(), {}
        for _ in range(4000):
            token, logprob = draw(logits, [source], drawing)
            seen[int(token)] += 1
            told[int(token)] = float(logprob)
        assert sum(math.exp(one) for one in told.values()) == pytest.approx(1.0, abs=0.02)
        for token, logprob in told.items():
            assert seen[token] / 4000 == pytest.approx(math.exp(logprob), abs=0.03)
    assert set(seen) == {0, 1}  # two tokens hold 0.8 of the probability


def test_a_prompt_that_fills_the_context_is_refused_and_a_reply_never_outgrows_it(tiny):
    model = tiny(max_length=20)
    with pytest.raises(ContextWindowExceeded, match="leaves no room"):
        sampled(model, [list(range(20))])
    replies = sampled(model, [list(range(3, 18))] * 8, max_tokens=100)
    assert max(len(reply.tokens) for reply in replies) == 5


def test_nothing_asked_is_nothing_answered(tiny):
    assert sampled(tiny(), []) == []
    with pytest.raises(ValueError, match="at least one token"):
        sampled(tiny(), [[]])


def conversation(model, turns, computed=None):
    """Sample some turns of two conversations, each after what the user says next."""
    if computed is not None:
        model.model.register_forward_pre_hook(
            lambda _, __, given: computed.append(given["input_ids"].numel()), with_kwargs=True
        )
    prompts = [[*range(100, 160), 5, 6, 7], [*range(100, 160), 8]]
    replies = []
    for turn in range(turns):
        some = sampled(model, [*prompts, prompts[1]], seed=turn)
        replies += some
        said = [[20 + turn, 21], [30] * (5 + turn)]
        prompts = [
            [*one, *reply.tokens, *more]
            for one, reply, more in zip(prompts, some, said, strict=False)
        ]
    return replies


def test_a_turn_goes_on_where_the_last_one_ended_and_changes_nothing(tiny):
    again, once = [], []
    plain = conversation(tiny(kept_tokens=0), 3, again)
    kept = conversation(tiny(), 3, once)
    assert [one.tokens for one in kept] == [one.tokens for one in plain]
    for one, other in zip(kept, plain, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)
    assert sum(once) < 0.6 * sum(again)


def test_learning_ends_what_was_kept(tiny, tmp_path):
    model = tiny()
    path = asyncio.run(model.save_state(tmp_path / "state"))
    prompt = list(range(100, 160))
    [reply] = sampled(model, [prompt])
    longer = [*prompt, *reply.tokens, 7]
    datum = Datum([*prompt, *reply.tokens], [0.0] * 60 + [1.0] * len(reply.tokens))
    asyncio.run(model.forward_backward([datum], "cross_entropy"))
    asyncio.run(model.optim_step(0.5))
    [after] = sampled(model, [longer])
    [scored] = asyncio.run(model.logprobs([[*longer, *after.tokens]]))
    assert scored[len(longer) :] == pytest.approx(after.logprobs, abs=1e-3)
    asyncio.run(model.load_state(Path(path)))
    [before] = sampled(model, [longer])
    [scored] = asyncio.run(model.logprobs([[*longer, *before.tokens]]))
    assert scored[len(longer) :] == pytest.approx(before.logprobs, abs=1e-3)


def test_what_does_not_fit_is_not_kept(tiny):
    kept = tiny(kept_tokens=70)
    assert [one.tokens for one in conversation(kept, 3)] == [
        one.tokens for one in conversation(tiny(kept_tokens=0), 3)
    ]
