"""Every field of what plug-ins export has a sentence: beside the field, and on its page."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from pathlib import Path

import pytest
from tests.docs.test_docs import ROOT

from tau2 import plugins

PAGES = {
    "DomainSpec": "your-domain.md",
    "AgentSpec": "your-agent.md",
    "UserSpec": "your-user.md",
    "Backend": "your-backend.md",
    "Request": "your-backend.md",
    "DisplaySpec": None,
}
UNTOLD = {"Request": {"is_stateful"}}
"""Fields that the page leaves to the reference."""


def described_fields(spec: type) -> set[str]:
    """Return the fields of a class that a text stands below."""
    (tree,) = ast.parse(inspect.getsource(spec)).body
    return {
        field.target.id
        for field, below in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }


@pytest.mark.parametrize("name", PAGES)
def test_every_field_has_a_sentence(name):
    spec = getattr(plugins, name)
    assert {field.name for field in fields(spec)} - described_fields(spec) == set()


@pytest.mark.parametrize(("name", "page"), [pair for pair in PAGES.items() if pair[1]])
def test_every_field_is_on_its_page(name, page):
    text = (ROOT / "docs" / Path(page)).read_text(encoding="utf-8")
    rows = " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| "))
    told = {field.name for field in fields(getattr(plugins, name)) if f"`{field.name}`" in rows}
    missing = {field.name for field in fields(getattr(plugins, name))} - told
    assert missing - UNTOLD.get(name, set()) == set()
