"""Older command lines in AReaL 1.0.4's terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.areal.example import script

from tau2.errors import ConfigError

allocation = script("tau2_allocation")


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("sglang:d4t2+archon:d4p2t1", [8, 8]),
        ("sglang:d1+archon:d1", [1, 1]),
        ("vllm:d2+fsdp:d2c2", [2, 4]),
        ("sglang:d8t4+megatron:(attn:d4p4t2|ffn:d2p4e4)", [32, 32]),
        (" sglang : d4 + archon[actor]:d4 ", [4, 4]),
    ],
)
def test_how_many_gpus_each_engine_takes(text, sizes):
    assert [engine.world_size for engine in allocation.parse_allocation(text)] == sizes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foo:d1+archon:d1", "no backend named 'foo'"),
        ("foo:", "not understood"),
        ("", "expected <gen_backend>"),
        ("d4t2", "not understood"),
        ("sglang:d1+fsdp:d1p2", "fsdp has no pipeline"),
        ("sglang:d1e2+archon:d1", "inference has no dimension 'e'"),
        ("sglang:d0+archon:d1", "not a list of sizes"),
        ("sglang:d4+archon[a]:d4+fsdp[a]:d4", "same name"),
        ("sglang:d4+archon[a]:d4+fsdp[b]:d4", "each needs a name"),
        ("sglang:d8+megatron:(attn:d4|ffn:d2)", "same number of GPUs"),
        ("sglang:d8+megatron:(attn:d4p2|ffn:d4p1)", "same pipeline size"),
        ("sglang:d8+archon:d2e4", "do not divide"),
    ],
)
def test_a_bad_allocation_says_what_is_wrong(text, said):
    with pytest.raises(ConfigError, match=said):
        allocation.parse_allocation(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sglang:d4", "one must train"),
        ("archon:d4", "one engine must generate"),
        ("sglang[a]:d4+vllm[b]:d4+archon[c]:d4", "one engine must generate"),
        ("sglang:d4|archon:d4", "share GPUs"),
        ("sglang[r]:d4+archon[actor]:d4+fsdp[helper]:d4", "must be named"),
    ],
)
def test_an_allocation_that_has_no_per_engine_form(text, said):
    with pytest.raises(ConfigError, match=said):
        allocation.backends_of(text)


def test_an_allocation_becomes_a_backend_per_engine():
    text = "allocation_mode=sglang[rollout]:d4t2+archon[actor]:d4p2t1+fsdp[critic]:d8"
    assert allocation.translated([text, "econfig.domain=airline"]) == [
        "rollout.backend='sglang:d4t2'",
        "actor.backend='archon:d4p2t1'",
        "critic.backend='fsdp:d8'",
        "econfig.domain=airline",
    ]


def test_a_backend_that_is_given_wins():
    given_ones = ["actor.backend=fsdp:d2", "allocation_mode=sglang:d1+archon:d1"]
    assert allocation.translated(given_ones) == [
        "actor.backend=fsdp:d2",
        "rollout.backend='sglang:d1'",
    ]


def test_the_proxys_keys_have_moved():
    old = [
        "rollout.openai.mode=subproc",
        "+rollout.openai.subproc_max_workers=2",
        "~rollout.openai.mode=x",
        "a.openai=1",
    ]
    assert allocation.translated(old) == [
        "rollout.agent.mode=subproc",
        "+rollout.agent.subproc_max_workers=2",
        "~rollout.agent.mode=x",
        "a.openai=1",
    ]


def test_an_older_file_is_translated_and_a_current_one_left_alone():
    old = {
        "allocation_mode": "sglang:d1+archon:d2",
        "rollout": {"openai": {"mode": "inline"}},
        "actor": {"path": "m"},
    }
    new = {
        "rollout": {"agent": {"mode": "inline"}, "backend": "sglang:d1"},
        "actor": {"path": "m", "backend": "archon:d2"},
    }
    assert allocation.translated_config(old) == new
    assert allocation.translated_config(new) == new
    assert old["rollout"] == {"openai": {"mode": "inline"}}


def test_areals_own_parser_has_the_last_word():
    def refuses(_text: str) -> object:
        raise ValueError("Parsing error: not today\nHints: none")

    with pytest.raises(ConfigError, match=r"Parsing error: not today$"):
        allocation.backends_of("sglang:d1+archon:d1", refuses)


@given(st.text(alphabet="sglanvmdptce:+|()[]0123456789 ", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        engines = allocation.parse_allocation(text)
    except ConfigError:
        return
    assert all(engine.world_size >= 1 for engine in engines)
