"""The same question is paid for once, and two draws stay two."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.data_model.message import UserMessage
from tau2.errors import EmptyCompletion, ModelUnavailable
from tau2.llm import complete, use_middleware
from tau2.llm.attempt_context import AttemptContext, use_attempt
from tau2.llm.middleware.cache import ResponseCache, key_of
from tau2.llm.request import Request


class Model:
    """Answers with a number that it never says twice."""

    def __init__(self, *first):
        self.first, self.numbers = list(first), count(1)
        self.calls = 0

    def __call__(self, **_):
        self.calls += 1
        content = self.first.pop(0) if self.first else f"answer {next(self.numbers)}"
        if isinstance(content, Exception):
            raise content
        return (
            content
            if isinstance(content, dict)
            else {"choices": [{"message": {"content": content}}]}
        )


@contextmanager
def cached(folder, trial=0, task="task", seed=5):
    cache = ResponseCache(folder)
    with use_middleware(cache.middleware), use_attempt(AttemptContext(task, trial, seed, "sim")):
        yield cache


def ask(model, text="hello", name="m", **args):
    return complete(
        name, [UserMessage(content=text)], completion_fn=model, num_retries=0, **args
    ).content


def test_a_second_run_asks_nobody(tmp_path):
    model = Model()
    with cached(tmp_path) as first:
        said = [ask(model), ask(model, "other")]
    with cached(tmp_path) as second:
        assert [ask(model), ask(model, "other")] == said
    assert model.calls == 2
    assert (first.hits, first.misses, second.hits, second.misses) == (0, 2, 2, 0)


@pytest.mark.parametrize(
    "other",
    [
        {"text": "hi"},
        {"name": "n"},
        {"seed": 2},
        {"temperature": 0.1},
        {"max_tokens": 4},
        {"api_base": "http://b/v1"},
    ],
)
def test_everything_that_is_asked_counts(tmp_path, other):
    model = Model()
    with cached(tmp_path):
        assert ask(model, seed=1, api_base="http://a/v1") == "answer 1"
    with cached(tmp_path):
        assert ask(model, **{"seed": 1, "api_base": "http://a/v1", **other}) == "answer 2"


def test_keys_and_passwords_do_not_count(tmp_path):
    model = Model()
    with cached(tmp_path):
        ask(model, api_key="one", api_base="http://me:one@a/v1", extra_headers={"X-Key": "one"})
    with cached(tmp_path):
        assert ask(model, api_key="two", api_base="http://me:two@a/v1") == "answer 1"


def test_draws_of_different_trials_stay_apart_and_certain_answers_are_shared(tmp_path):
    model = Model()
    for trial in (0, 1):
        with cached(tmp_path, trial):
            assert ask(model, temperature=0.7) == f"answer {1 + trial}"
    for trial in (0, 1):
        with cached(tmp_path, trial):
            assert ask(model, temperature=0.0) == "answer 3"
    with cached(tmp_path, task="another"):
        assert ask(model, temperature=0.7) == "answer 4"
    with cached(tmp_path, seed=6):
        assert ask(model, temperature=0.7) == "answer 5"


def test_the_best_of_n_stays_n_answers(tmp_path):
    model = Model()
    for _ in range(2):
        with cached(tmp_path), ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(copy_context().run, ask, model) for _ in range(8)]
            assert sorted(future.result() for future in asked) == [
                f"answer {number}" for number in range(1, 9)
            ]
    assert model.calls == 8


def test_failures_and_empty_answers_are_asked_again(tmp_path):
    with cached(tmp_path):
        with pytest.raises(ModelUnavailable):
            ask(Model(ConnectionError("down")))
        with pytest.raises(EmptyCompletion):
            ask(Model("", "", ""))
        assert ask(Model("", "at last")) == "at last"
    with cached(tmp_path) as again:
        assert ask(Model()) == "at last"
    assert again.hits == 1


def test_an_answer_that_was_cut_off_unasked_is_not_kept(tmp_path):
    cut = {"choices": [{"message": {"content": "and then"}, "finish_reason": "length"}]}
    with cached(tmp_path):
        ask(Model(cut))
        ask(Model(cut), max_tokens=2)
    with cached(tmp_path):
        assert ask(Model()) == "answer 1"
        assert ask(Model(), max_tokens=2) == "and then"


def test_an_answer_with_a_secret_is_not_kept(tmp_path):
    with cached(tmp_path):
        ask(Model("the key is sk-abcdefghijklm"))
    assert list(tmp_path.rglob("*.json")) == []


@given(st.binary(max_size=300), st.booleans())
def test_a_damaged_file_is_a_miss(tmp_path_factory, junk, cut):
    folder = tmp_path_factory.mktemp("cache")
    with cached(folder):
        ask(Model())
    (file,) = folder.rglob("*.json")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(junk)] if cut else junk)
    with cached(folder) as again:
        assert ask(Model("fresh")) == "fresh"
    assert again.misses == 1
    with cached(folder):
        assert ask(Model()) == "fresh"


def test_a_changed_answer_is_a_miss(tmp_path):
    with cached(tmp_path):
        ask(Model())
    (file,) = tmp_path.rglob("*.json")
    content = json.loads(file.read_text())
    file.write_text(
        json.dumps({**content, "response": content["response"].replace("answer 1", "answer 9")})
    )
    with cached(tmp_path):
        assert ask(Model("fresh")) == "fresh"


def test_outside_of_a_run_an_answer_is_found_again(tmp_path):
    with use_middleware(ResponseCache(tmp_path).middleware):
        model = Model()
        assert ask(model) == ask(model) == "answer 1"


def test_the_environment_s_address_counts(monkeypatch):
    request = Request("openai/m", [])
    before = key_of(request, None)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere/v1")
    assert key_of(request, None) != before
