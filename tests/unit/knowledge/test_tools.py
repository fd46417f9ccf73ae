"""The tools over documents, added to the toolkit of a domain that knows nothing of them."""

from __future__ import annotations

import copy
import pickle

import pytest
from tests.unit.knowledge.cast import BOARD

from tau2.data_model.message import ToolCall, ToolMessage
from tau2.environment.environment import Environment
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ConfigError
from tau2.knowledge.access import Knowledge
from tau2.knowledge.protocols import Hit
from tau2.knowledge.tools import NO_HITS, with_knowledge
from tau2.knowledge.variants import variant_named


class Plots(ToolKitBase):
    """The tools of the club's office."""

    def __init__(self, db=None, *, season=1):
        super().__init__(db)
        self.season = season

    @is_tool(ToolType.WRITE)
    def give_plot(self, member: str) -> str:
        """Give a plot to a member."""
        return f"plot {self.season} is {member}'s"


class FirstLetters:
    """Finds the documents whose ids begin like a word of the query."""

    def __init__(self, documents, name):
        self.documents = documents
        self.name = name

    def search(self, query, limit):
        letters = {word[:1] for word in query.split()}
        return [Hit(doc, 1 / 3) for doc in self.documents if doc.id[0] in letters][:limit]


def knowledge(variant, **options):
    return Knowledge(BOARD, variant_named(variant, options), retrievers=FirstLetters)


def plots(variant, **options):
    return with_knowledge(Plots, knowledge(variant, **options))(season=2)


def test_the_tools_of_the_variant_come_after_the_domains_own():
    assert list(plots("no_knowledge").get_tools()) == ["give_plot"]
    assert list(plots("bm25_grep").get_tools()) == ["give_plot", "KB_search", "grep"]
    tools = plots("alltools")
    assert list(tools.get_tools()) == ["give_plot", "KB_search_bm25", "KB_search_dense", "shell"]
    assert tools.has_tool("shell")
    assert not tools.has_tool("grep")
    assert tools.get_statistics()["num_tools"] == 4
    assert tools.give_plot("Petra") == "plot 2 is Petra's"


def test_the_domains_own_class_has_none_of_them():
    plots("bm25_grep")
    assert list(Plots().get_tools()) == ["give_plot"]


def test_looking_up_changes_nothing():
    tools = plots("alltools")
    for name in ("KB_search_bm25", "KB_search_dense", "shell"):
        assert tools.tool_type(name) is ToolType.READ
        assert not tools.tool_mutates_state(name)


def test_only_the_variants_own_tools_look_outside_of_the_database():
    environment = Environment("plots", "", plots("alltools"))
    asked = [ToolCall(name=name, arguments={}) for name in ("give_plot", "shell", "KB_search_bm25")]
    assert [environment.looks_outside(call) for call in asked] == [False, True, True]


def test_a_shell_holds_up_no_event_loop():
    assert plots("terminal_use").blocking
    assert not plots("grep_only").blocking


def test_a_hit_is_shown_with_title_id_score_and_its_whole_text():
    assert plots("bm25").KB_search("keys and no cooking") == (
        "1. The compost heap\nID: compost\nScore: 0.3333\n\n"
        "Turn the heap every week. No cooked food, please.\n\n"
        "2. Lost keys\nID: keys\nScore: 0.3333\n\n"
        "Ask Petra for a new key. A key costs 12 euros.\n\n"
        "3. Quiet hours\nID: noise\nScore: 0.3333\n\n"
        "No mowers on Sunday. No mowers before eight."
    )


def test_grep_counts_matches():
    assert plots("grep_only").grep("mowers").startswith("1. Quiet hours\nID: noise\nScore: 2.0000")


def test_nothing_found_is_said():
    assert plots("bm25").KB_search("zebra") == NO_HITS
    assert plots("grep_only").grep("zebra") == NO_HITS


def test_options_limit_what_is_shown():
    assert "2. " not in plots("bm25", top_k=1).KB_search("keys no")
    assert "2. " not in plots("grep_only", grep_top_k=1).grep("the")
    assert plots("grep_only", case_sensitive=True).grep("MOWERS") == NO_HITS
    assert "2. " not in plots("alltools").KB_search_bm25("keys no", k=1)


def asked(tools, name, **arguments):
    return Environment("plots", "", tools).get_response(
        ToolCall(id="1", name=name, arguments=arguments)
    )


def test_what_was_shown_and_how_long_it_took_is_beside_the_text_not_in_it():
    message = asked(plots("bm25"), "KB_search", query="keys hose")
    assert type(message.content) is str
    assert message.metadata["documents"] == ["hose", "keys"]
    assert 0 <= message.metadata["search_seconds"] < 1
    stored = message.model_dump(mode="json")
    assert ToolMessage.model_validate(stored) == message
    del stored["metadata"]
    assert ToolMessage.model_validate(stored) == message


def test_of_a_shell_it_is_what_was_printed():
    message = asked(plots("terminal_use"), "shell", command="grep -h mowers *.md")
    assert message.metadata["documents"] == ["noise"]


def test_other_results_have_no_metadata():
    message = asked(plots("bm25"), "give_plot", member="Petra")
    assert message.metadata is None
    assert "metadata" not in message.model_dump(mode="json")


def test_k_must_be_positive():
    message = asked(plots("alltools"), "KB_search_dense", query="keys", k=0)
    assert message.error
    assert message.content == "Error: k must be at least 1, not 0"


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, ToolKitBase.fork, lambda tools: pickle.loads(pickle.dumps(tools))]
)
def test_toolkits_fork_and_pickle(copied):
    tools = plots("bm25_grep", top_k=1)
    again = copied(tools)
    assert type(again) is type(tools)
    assert again.season == 2
    assert again.KB_search("keys no") == tools.KB_search("keys no")
    assert again.grep("mowers") == tools.grep("mowers")


def test_forks_share_what_never_changes():
    tools = plots("bm25")
    assert tools.fork().knowledge is tools.knowledge


def test_tools_pickle_with_their_toolkit():
    tool = plots("bm25").get_tools()["KB_search"]
    assert pickle.loads(pickle.dumps(tool))(query="hose").startswith("1. Watering")


def test_without_a_key_all_tools_embed_in_this_process():
    def without_key(documents, name):
        if name == "openai":
            raise ConfigError("OPENAI_API_KEY is not set")
        return FirstLetters(documents, name)

    access = Knowledge(BOARD, variant_named("alltools"), retrievers=without_key)
    assert access.dense_retriever == "local"
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        Knowledge(BOARD, variant_named("openai_embeddings"), retrievers=without_key)


def test_a_reranker_judges_what_was_found():
    class Backwards:
        def rerank(self, query, hits):
            return [Hit(hit.document, 9.0) for hit in reversed(hits)]

    variant = variant_named("bm25_reranker")
    access = Knowledge(BOARD, variant, retrievers=FirstLetters, reranker=Backwards())
    assert [hit.document.id for hit in access.search("keys hose")] == ["keys", "hose"]


def test_by_default_a_chat_model_judges_which_needs_its_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        knowledge("bm25_reranker")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    access = knowledge("bm25_reranker", reranker_min_score=7)
    assert pickle.loads(pickle.dumps(access)).variant == access.variant


def test_by_default_bm25_is_stemmed_and_under_strict_compat_the_originals():
    ours = Knowledge(BOARD, variant_named("bm25")).search("mower")
    strict = Knowledge(BOARD, variant_named("bm25"), strict_compat=True).search("mower")
    assert ours[0].document.id == "noise"
    assert {hit.score for hit in strict} == {0.0}
