"""The prompt templates of our own bank."""

from __future__ import annotations

import re
from pathlib import Path

import tau2.domains.banking_knowledge as domain
from tau2.domains.banking_knowledge.own_bank import own_bank

PROMPTS = Path(domain.__file__).parent / "prompts"
NUMBERS = {2: "two", 3: "three", 4: "fourth"}


def test_every_component_exists_and_every_placeholder_is_known() -> None:
    known = {"full_knowledge_base", "required_documents", "all_tools_dense_instructions"}
    components = {f"component:{path.stem}" for path in (PROMPTS / "components").glob("*.md")}
    templates = list(PROMPTS.glob("*.md"))
    assert len(templates) == 13
    for path in templates:
        used = set(re.findall(r"\{\{([^{}]+)\}\}", path.read_text(encoding="utf-8")))
        assert used <= known | components, path.name
        assert "component:policy_header" in used


def test_the_policy_says_what_the_table_says() -> None:
    policy = (PROMPTS / "components" / "policy_header.md").read_text(encoding="utf-8")
    rules = own_bank().rules
    facts = rules.verification
    assert own_bank().institution.name in policy
    assert f"name {NUMBERS[facts.facts_needed]} of these four facts" in policy
    assert all(fact in policy for fact in facts.facts)
    assert f"for the {NUMBERS[rules.human.wish_repeats]} time" in policy
