"""The engine on a stand-in for llama.cpp: sharing, slots, prefixes, limits and the end."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.llm.local.conftest import Cast
from tests.unit.llm.local.standin import write_gguf

from tau2.actions.plain_chat import PlainTurn
from tau2.errors import ConfigError, ContextWindowExceeded
from tau2.llm.failure import CallFailed
from tau2.llm.local import engine as engine_module
from tau2.llm.local.engine import EngineSettings, Sampling, close_engines, engine_for
from tau2.llm.local.slots import Call, SlotPool, common_length

POLICY = PlainTurn("system", "Follow the policy. " * 100)
SHORT = Sampling(max_tokens=8)


def talk(*texts: str) -> list[PlainTurn]:
    """Return a conversation: the policy, then user and assistant in turn."""
    roles: Any = ("user", "assistant")
    return [POLICY, *(PlainTurn(roles[i % 2], text) for i, text in enumerate(texts))]


def say(engine: Any, *texts: str) -> Any:
    turns = talk(*texts)
    return engine.generate(engine.prompt_of(turns), SHORT, prefix=engine.prefix_of(turns))


def side_by_side(*calls: Any) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def test_weights_are_loaded_once_however_many_ask(cast: Cast, weights: Path) -> None:
    engines = []
    side_by_side(*[lambda: engines.append(engine_for(weights)) for _ in range(8)])
    assert len(engines) == 8
    assert len(set(map(id, engines))) == 1
    assert cast.loads == [(weights, None)]


def test_an_adapter_makes_another_engine(cast: Cast, weights: Path, tmp_path: Path) -> None:
    adapter = write_gguf(tmp_path / "lora.gguf", kind="adapter")
    assert engine_for(weights) is not engine_for(weights, adapter)
    assert cast.loads == [(weights, None), (weights, adapter)]


def test_the_context_is_the_models_own_up_to_a_bound(cast: Cast, tmp_path: Path) -> None:
    small = engine_for(write_gguf(tmp_path / "small.gguf", context=2048))
    large = engine_for(write_gguf(tmp_path / "large.gguf", context=131_072))
    asked = engine_for(
        write_gguf(tmp_path / "asked.gguf", context=131_072), None, EngineSettings(n_ctx=32_768)
    )
    assert [engine.options.n_ctx for engine in (small, large, asked)] == [2048, 8192, 32_768]


def test_other_settings_of_loaded_weights_are_refused(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights, None, EngineSettings(n_parallel=2))
    assert engine_for(weights) is engine
    with pytest.raises(ConfigError, match=r"loaded with n_parallel=2.*n_parallel=8"):
        engine_for(weights, None, EngineSettings(n_parallel=8))


def test_a_prefix_is_evaluated_once_for_all_conversations(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights)
    first = say(engine, "one")
    policy = first.prompt_tokens - 4
    others = [say(engine, text) for text in ("two", "three", "four", "five", "six")]
    assert first.reused_tokens < 10
    assert all(other.reused_tokens >= policy - 4 for other in others)
    assert cast.server.evaluated < policy + 6 * 12


def test_conversations_that_begin_at_once_wait_for_one_evaluation(
    cast: Cast, weights: Path
) -> None:
    engine = engine_for(weights)
    generated: list[Any] = []
    side_by_side(*[lambda i=i: generated.append(say(engine, f"question {i}")) for i in range(4)])
    assert len(generated) == 4
    length = generated[0].prompt_tokens
    assert cast.server.evaluated < length + 4 * 12


def test_a_prefix_survives_the_process(cast: Cast, weights: Path) -> None:
    length = say(engine_for(weights), "one").prompt_tokens
    close_engines()
    again = say(engine_for(weights), "another")
    assert len(cast.started) == 2
    assert cast.server.evaluated < 12
    assert again.reused_tokens > length - 12


def test_a_damaged_file_of_a_prefix_is_not_used(cast: Cast, weights: Path, tmp_path: Path) -> None:
    say(engine_for(weights), "one")
    close_engines()
    [file] = (tmp_path / "cache").rglob("*.bin")
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    again = say(engine_for(weights), "one")
    assert cast.server.evaluated >= again.prompt_tokens
    assert again.text == "Certainly, I can help."


def test_other_weights_do_not_share_a_prefix(cast: Cast, weights: Path, tmp_path: Path) -> None:
    say(engine_for(weights), "one")
    other = say(engine_for(write_gguf(tmp_path / "other.gguf", context=4096)), "one")
    assert cast.server.evaluated >= other.prompt_tokens


def test_without_a_folder_to_write_to_it_goes_on(
    cast: Cast, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("TAU2_CACHE_DIR", str(blocked))
    engine = engine_for(weights)
    length = say(engine, "one").prompt_tokens
    say(engine, "two")
    assert cast.server.evaluated < length + 2 * 12


def test_a_template_that_begins_with_the_user_has_prefixes_too(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights)
    cast.server.refuses_assistant_first = True
    prefix = engine.prefix_of(talk("one"))
    assert prefix.endswith("<|im_end|> <|im_start|> user ")


def test_a_conversation_goes_on_where_its_tokens_are(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights)
    for name in ("a", "b", "c"):
        say(engine, f"I am {name}")
    before = cast.server.evaluated
    for name in ("c", "a", "b"):
        say(engine, f"I am {name}", "Certainly, I can help.", "go on")
    assert cast.server.evaluated - before < 3 * 16
    assert len({body["id_slot"] for body in cast.server.bodies[-3:]}) == 3


def test_more_conversations_than_slots_go_on_where_they_were(
    cast: Cast, weights: Path, tmp_path: Path
) -> None:
    engine = engine_for(weights, None, EngineSettings(n_parallel=2))
    stories = {name: f"I am {name}. " + "And then? " * 150 for name in "abcdef"}
    for story in stories.values():
        say(engine, story)
    before = cast.server.evaluated
    for story in stories.values():
        say(engine, story, "Certainly, I can help.", "go on")
    assert cast.server.evaluated - before < 6 * 16
    close_engines()
    assert list((tmp_path / "cache").rglob("kept-*")) == []


def test_kept_conversations_make_room(
    cast: Cast, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tau2.llm.local.kept.MOST_BYTES", 15_000)
    engine = engine_for(weights, None, EngineSettings(n_parallel=1))
    for name in "abcdef":
        say(engine, f"I am {name}. " + "And then? " * 150)
    assert 1 <= len(list((tmp_path / "cache").rglob("kept-*"))) <= 3


def test_what_killed_processes_kept_is_removed(cast: Cast, weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "prefixes"
    folder.mkdir(parents=True)
    old, new = folder / "kept-1-0.tmp", folder / "kept-2-0.tmp"
    old.write_bytes(b"")
    new.write_bytes(b"")
    os.utime(old, (0, 0))
    engine_for(weights)
    assert not old.exists()
    assert new.exists()


def test_who_asks_the_same_again_gets_the_same_slot(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights)
    prompt = "tell me all about it " * 20
    for end in ("one", "two", "three"):
        engine.generate(prompt + end, SHORT)
    assert {body["id_slot"] for body in cast.server.bodies} == {0}
    assert cast.server.evaluated < 110


def test_more_calls_than_slots_wait_for_one(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights, None, EngineSettings(n_parallel=2))
    generated: list[Any] = []
    side_by_side(*[lambda i=i: generated.append(say(engine, f"question {i}")) for i in range(7)])
    assert len(generated) == 7
    assert cast.server.most_at_once <= 2


def test_a_prompt_that_is_too_long_is_an_overflow(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights, None, EngineSettings(n_ctx=64))
    with pytest.raises(CallFailed, match="exceeds the available context size") as caught:
        engine.generate("word " * 80, SHORT)
    assert caught.value.verdict is ContextWindowExceeded
    assert not caught.value.temporary


def test_an_answer_that_the_context_cuts_off_is_an_overflow(cast: Cast, weights: Path) -> None:
    cast.lines = lambda body: "blah " * 100
    engine = engine_for(weights, None, EngineSettings(n_ctx=64))
    cut = engine.generate("word " * 20, Sampling(max_tokens=8))
    assert cut.finish_reason == "length"
    with pytest.raises(CallFailed, match="context size") as caught:
        engine.generate("word " * 20, Sampling(max_tokens=90))
    assert caught.value.verdict is ContextWindowExceeded


def test_a_call_ends_when_its_time_is_over(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights)
    cast.server.gate = threading.Event()
    began = time.monotonic()
    with pytest.raises(CallFailed, match="did not answer within") as caught:
        engine.generate("a b c", SHORT, call=Call(0.1))
    assert time.monotonic() - began < 5
    assert caught.value.temporary
    cast.server.gate.set()
    assert engine.generate("a b c", SHORT).text == "Certainly, I can help."


def test_a_call_that_waits_for_a_slot_ends_in_time_too(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights, None, EngineSettings(n_parallel=1))
    cast.server.gate = threading.Event()
    first = threading.Thread(target=lambda: engine.generate("a b c", SHORT))
    first.start()
    while not cast.server.bodies:
        time.sleep(0.01)
    with pytest.raises(CallFailed, match="did not answer within"):
        engine.generate("d e f", SHORT, call=Call(0.1))
    cast.server.gate.set()
    first.join(5)
    assert not first.is_alive()


def test_an_error_of_who_listens_ends_the_call_and_is_raised(cast: Cast, weights: Path) -> None:
    def listen(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine_for(weights).generate("a b c", SHORT, on_text=listen)


def test_closing_ends_calls_under_way(cast: Cast, weights: Path) -> None:
    engine = engine_for(weights)
    cast.server.gate = threading.Event()
    failures: list[CallFailed] = []

    def ask() -> None:
        with pytest.raises(CallFailed) as caught:
            engine.generate("a b c", SHORT)
        failures.append(caught.value)

    thread = threading.Thread(target=ask)
    thread.start()
    while not cast.server.bodies:
        time.sleep(0.01)
    close_engines()
    thread.join(5)
    assert cast.server.is_closed
    assert "cancelled" in failures[0].text
    with pytest.raises(CallFailed, match="is closed"):
        engine.generate("a b c", SHORT)


def test_ctrl_c_while_the_process_waits_for_its_engine_ends_it(monkeypatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    ended: list[int] = []
    monkeypatch.setattr(engine_module._ENGINES, "close", interrupted)
    monkeypatch.setattr(os, "_exit", ended.append)
    engine_module._close_at_exit()
    assert ended == [130]


def test_the_text_comes_piece_by_piece(cast: Cast, weights: Path) -> None:
    pieces: list[str] = []
    generated = engine_for(weights).generate("a b c", SHORT, on_text=pieces.append)
    assert pieces == ["Certainly,", " I", " can", " help."]
    assert "".join(pieces) == generated.text


def test_the_oldest_files_make_room(
    cast: Cast, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tau2.llm.local.prefixes.MOST_FILES", 3)
    engine = engine_for(weights)
    for number in range(6):
        turns = [PlainTurn("system", f"Policy {number}. " * 200), PlainTurn("user", "Hi")]
        engine.generate(engine.prompt_of(turns), SHORT, prefix=engine.prefix_of(turns))
    assert len(list((tmp_path / "cache").rglob("*.bin"))) == 3
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 3


def test_common_beginnings() -> None:
    assert common_length("", "abc") == 0
    assert common_length("abc", "abd") == 2
    assert common_length("abc", "abc") == 3
    assert common_length("x" * 10_000, "x" * 9_999 + "y") == 9_999


def test_the_slot_that_was_left_longest_ago_is_given_up() -> None:
    pool = SlotPool(2)
    numbers = []
    for prompt in ("first", "second", "third"):
        with pool.slot_for(prompt, Call()) as slot:
            slot.text = prompt
            numbers.append(slot.number)
    with pool.slot_for("second goes on", Call()) as slot:
        numbers.append(slot.number)
    assert numbers == [0, 1, 0, 1]
