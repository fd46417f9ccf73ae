"""Policies are put together from templates; documents are put in as they are."""

from __future__ import annotations

import pytest
from tests.unit.knowledge.cast import BOARD

from tau2.errors import DataFileError
from tau2.knowledge.access import Knowledge
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.prompts import NO_DOCUMENTS, policy_of
from tau2.knowledge.variants import variant_named


@pytest.fixture
def folder(tmp_path):
    """Return the prompts of the club's office."""
    components = tmp_path / "components"
    components.mkdir()
    (components / "policy_header.md").write_text("Be kind.\n", encoding="utf-8")
    return tmp_path


def write(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def knowledge(variant, documents=BOARD, **options):
    return Knowledge(documents, variant_named(variant), **options)


def test_components_are_put_in_where_they_are_named(folder):
    write(folder, no_knowledge="{{component:policy_header}}\n\nAnd brief.\n")
    assert policy_of(knowledge("no_knowledge"), folder) == "Be kind.\n\nAnd brief.\n"


def test_components_may_hold_components(folder):
    write(folder, grep_only="{{component:outer}}")
    write(folder / "components", outer="Always: {{component:policy_header}}")
    assert policy_of(knowledge("grep_only"), folder) == "Always: Be kind."


def test_all_documents_stand_in_the_prompt(folder):
    write(folder, full_kb="Rules:\n\n{{full_knowledge_base}}")
    policy = policy_of(knowledge("full_kb"), folder)
    assert policy.startswith("Rules:\n\n## The compost heap\n\nTurn the heap every week.")
    assert "No cooked food, please.\n\n---\n\n## Watering\n\nThe hose" in policy
    assert policy_of(knowledge("full_kb"), folder) is policy


def test_the_documents_of_the_task_are_found_by_id_or_title(folder, caplog):
    write(folder, required_docs="{{required_documents}}")
    policy = policy_of(knowledge("golden_retrieval"), folder, ["keys", "Watering", "pond"])
    assert policy == (
        "## Lost keys\n\nAsk Petra for a new key. A key costs 12 euros.\n\n---\n\n"
        "## Watering\n\nThe hose is shared: one hour for each plot, before noon."
    )
    assert "do not exist: pond" in caplog.text
    assert policy_of(knowledge("golden_retrieval"), folder) == NO_DOCUMENTS


def test_documents_are_put_in_as_they_are(folder):
    write(folder, full_kb="{{full_knowledge_base}}")
    text = r"\1 \g<0> {{component:policy_header}} {{full_knowledge_base}} {x}"
    documents = DocumentSet([Document("a", r"\n", text)])
    assert policy_of(knowledge("full_kb", documents), folder) == f"## \\n\n\n{text}"


def test_other_braces_stay(folder):
    write(folder, no_knowledge="{{name}} {{component:}} { {{full_knowledge_base }}")
    assert policy_of(knowledge("no_knowledge"), folder) == (
        "{{name}} {{component:}} { {{full_knowledge_base }}"
    )


class Nothing:
    """Finds nothing."""

    def __init__(self, documents, name):
        pass

    def search(self, query, limit):
        return []


def test_what_embeds_is_named(folder):
    write(folder, all_tools="{{all_tools_dense_instructions}}", bm25="")
    for variant, model in (("alltools", "text-embedding-3-large"), ("alltools-qwen", "qwen3")):
        assert model in policy_of(knowledge(variant, retrievers=Nothing), folder)


def test_without_a_key_that_is_said(folder, monkeypatch):
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    write(folder, all_tools="{{all_tools_dense_instructions}}")
    assert "no key for a larger one" in policy_of(knowledge("alltools-qwen"), folder)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{component:lost}}", r"lost\.md: cannot be read"),
        ("{{component:loop}}", "'loop' contains itself"),
        ("\n \n", "the policy is empty"),
        ("x" * 1_000_001, "longer than 1,000,000 characters"),
    ],
)
def test_what_cannot_be_put_together_is_named(folder, template, problem):
    write(folder / "components", loop="{{component:knot}}", knot="{{component:loop}}")
    write(folder, no_knowledge=template)
    with pytest.raises(DataFileError, match=problem):
        policy_of(knowledge("no_knowledge"), folder)


def test_a_missing_template_is_named(folder):
    with pytest.raises(DataFileError, match=r"full_kb\.md: cannot be read"):
        policy_of(knowledge("full_kb"), folder)


def test_components_that_double_do_not_take_exponential_time(folder):
    for number in range(40):
        write(folder / "components", **{f"c{number}": f"{{{{component:c{number + 1}}}}}" * 2})
    write(folder / "components", c40="")
    write(folder, no_knowledge="x{{component:c0}}")
    assert policy_of(knowledge("no_knowledge"), folder) == "x"
