"""Retrieval variants: found by name, with options that are checked."""

from __future__ import annotations

import logging

import pytest

from tau2.errors import ConfigError, UnknownName
from tau2.knowledge.variants import DESCRIPTIONS, VARIANTS, RetrievalOptions, variant_named

SEARCHES = ("bm25", "openai_embeddings", "qwen_embeddings")


def test_there_are_the_twenty_variants_of_the_public_package():
    searches = {
        f"{search}{reranker}{grep}"
        for search in SEARCHES
        for reranker in ("", "_reranker")
        for grep in ("", "_grep")
    }
    others = "no_knowledge full_kb golden_retrieval grep_only terminal_use terminal_use_write"
    assert set(VARIANTS) == {*searches, *others.split(), "alltools", "alltools-qwen"}
    assert len(VARIANTS) == len(DESCRIPTIONS) == 20


@pytest.mark.parametrize(
    ("name", "tools", "template"),
    [
        ("no_knowledge", (), "no_knowledge"),
        ("full_kb", (), "full_kb"),
        ("golden_retrieval", (), "required_docs"),
        ("grep_only", ("grep",), "grep_only"),
        ("bm25", ("KB_search",), "classic_rag_bm25_no_grep"),
        ("bm25_grep", ("KB_search", "grep"), "classic_rag_bm25"),
        ("qwen_embeddings_reranker_grep", ("KB_search", "grep"), "classic_rag_qwen"),
        ("openai_embeddings_reranker", ("KB_search",), "classic_rag_openai_no_grep"),
        ("terminal_use", ("shell",), "agentic_search"),
        ("terminal_use_write", ("shell",), "agentic_search_write"),
        ("alltools-qwen", ("KB_search_bm25", "KB_search_dense", "shell"), "all_tools"),
    ],
)
def test_a_variant_has_its_tools_and_its_prompt(name, tools, template):
    variant = variant_named(name)
    assert variant.tools == tools
    assert variant.template == template


def test_only_one_shell_may_write_and_only_one_policy_depends_on_the_task():
    assert [name for name, variant in VARIANTS.items() if variant.writable] == [
        "terminal_use_write"
    ]
    assert [name for name, variant in VARIANTS.items() if variant.policy_is_per_task] == [
        "golden_retrieval"
    ]


def test_capitals_do_not_matter():
    assert variant_named("AllTools") == variant_named("alltools")


def test_an_unknown_variant_is_answered_with_all_that_there_are():
    with pytest.raises(UnknownName, match="did you mean 'bm25_grep'") as caught:
        variant_named("bm25-grep")
    assert isinstance(caught.value, ValueError)
    assert ", ".join(sorted(VARIANTS)) in str(caught.value)


def test_options_replace_the_defaults():
    defaults = variant_named("bm25").options
    assert (defaults.top_k, defaults.grep_top_k, defaults.reranker_min_score) == (10, 10, 5)
    assert not defaults.case_sensitive
    options = variant_named("bm25", {"top_k": 3, "case_sensitive": True}).options
    assert options == RetrievalOptions(top_k=3, case_sensitive=True)


def test_an_unknown_option_is_named():
    with pytest.raises(ConfigError, match=r"unknown retrieval option 'topk'; did you mean 'top_k'"):
        variant_named("bm25", {"topk": 3})


def test_under_strict_compat_an_unknown_option_is_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        variant = variant_named("bm25", {"topk": 3, "top_k": 4}, ignore_unknown=True)
    assert variant.options.top_k == 4
    assert "'topk'" in caplog.text


@pytest.mark.parametrize(
    "kwargs",
    [
        {"top_k": 0},
        {"top_k": True},
        {"top_k": "10"},
        {"grep_top_k": 1.5},
        {"case_sensitive": 1},
        {"reranker_min_score": 11},
        {"reranker_min_score": float("nan")},
    ],
)
def test_a_value_that_is_not_possible_is_refused(kwargs):
    (name,) = kwargs
    with pytest.raises(ConfigError, match=f"the retrieval option '{name}' must be"):
        variant_named("bm25", kwargs)
