"""The documentation site has every page, and every link of a page leads to a page.

`make docs` builds the HTML, with Sphinx; what it builds from is checked here.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import pytest
import yaml
from tests.docs.test_docs import ROOT

_LINK = re.compile(r"\]\((?P<target>[^)\s#]*)(?:#(?P<anchor>[^)\s]*))?\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def site(monkeypatch):
    """The modules of tools/site, importable as its program imports them."""
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "site"))
    before = set(sys.modules)
    yield import_module
    for name in {"pages", "llms"} - before:
        sys.modules.pop(name, None)


@pytest.fixture
def pages(site) -> ModuleType:
    return site("pages")


def test_every_page_is_in_the_navigation(pages):
    listed = [page.source for section in pages.navigation() for page in section.pages]
    decisions = [source for source in pages.sources() if source.startswith("docs/decisions/0")]
    skills = [source for source in pages.sources() if source.endswith("/SKILL.md")]
    unlisted = {*pages.sources()} - {*listed, *decisions, *skills, "docs/README.md"}
    assert unlisted == set(), "list them in docs/README.md"
    assert len(listed) == len(set(listed))
    assert [source for source in listed if not (ROOT / source).is_file()] == []


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    headings = [match["text"] for match in _HEADING.finditer(_BLOCK.sub("", text))]
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in headings}


def test_links_between_pages_of_the_site_lead_to_pages_and_headings(pages, tmp_path):
    pages.write_pages(tmp_path)
    written = {path.resolve(): path.read_text("utf-8") for path in tmp_path.rglob("*.md")}
    assert len(written) > 60
    wrong = []
    for path, text in written.items():
        for match in _LINK.finditer(_BLOCK.sub("", text)):
            target, anchor = match["target"], match["anchor"]
            if "://" in target or target.startswith("mailto:"):
                continue
            place = (path.parent / target).resolve() if target else path
            if not place.is_file() or (anchor and anchor not in anchors(written[place])):
                wrong.append(f"{path.relative_to(tmp_path)}: {match[0]}")
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "written", "shown"),
    [
        ("docs/ci.md", "[a](compare.md#grading-again)", "[a](compare.md#grading-again)"),
        ("docs/ci.md", "[a](../README.md)", "[a](first-steps.md)"),
        ("docs/domains/retail.md", "[a](../ci.md)", "[a](../ci.md)"),
        ("docs/domains/retail.md", "[a](../../CHANGELOG.md#x)", "[a](../changes.md#x)"),
        ("README.md", "[a](docs/domains/retail.md)", "[a](domains/retail.md)"),
        ("README.md", "[a](https://example.org)", "[a](https://example.org)"),
        ("examples/README.md", "[own.py](own_agent.py)", "[own.py](own_agent.md)"),
        ("examples/README.md", "[ferry](ferry)", "`ferry`"),
        ("docs/ci.md", "```python\nx[0](y)\n```\n", "```python\nx[0](y)\n```\n"),
        ("docs/voice.md", "![a](images/voice-phone.png)", "![a](images/voice-phone.png)"),
    ],
)
def test_links_are_rewritten_where_a_page_has_another_place(pages, source, written, shown):
    names = [*pages.sources(), *pages.examples()]
    known = {name: pages.name_of(name) for name in names}
    assert pages.rewritten(written, source, known) == shown


def test_a_link_that_leads_nowhere_ends_the_build(pages):
    with pytest.raises(ValueError, match=r"docs/ci.md: \[a\]\(gone.md\) leads nowhere"):
        pages.rewritten("[a](gone.md)", "docs/ci.md", {})


def reference() -> dict[str, tuple[str, ...]]:
    """Return which modules the reference has, and which come first, without what it needs."""
    tree = ast.parse((ROOT / "tools" / "site" / "api.py").read_text(encoding="utf-8"))
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id in {"MODULES", "_SHOWN_FIRST"}
    }


def test_the_modules_of_the_reference_exist():
    assigned = reference()
    names = assigned["MODULES"]
    assert len(names) > 25
    assert [name for name in names if find_spec(name) is None] == []
    assert set(assigned["_SHOWN_FIRST"]) <= set(names)


_NOT_DESCRIBED = ("tau2.domains", "tau2.llm.backends", "tau2.llm.local", "tau2.run", "tau2.voice")
"""What pages use of single domains, models and engines, and the old path of a public name."""


def test_the_reference_has_what_pages_import():
    described = reference()["MODULES"]
    imports = re.compile(r"^\s*from (tau2[\w.]*) import", re.MULTILINE)
    pages_of_people = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.py")]
    counts = Counter(
        name
        for page in pages_of_people
        for name in imports.findall(page.read_text(encoding="utf-8"))
        if not name.startswith(_NOT_DESCRIBED)
    )
    assert [name for name, count in counts.items() if count > 1 and name not in described] == []


def test_an_entry_of_the_reference_is_a_heading_in_markdown(site):
    page = (
        "# tau2.x\n\n```{py:module} tau2.x\n```\n\n`````{py:class} A(b: int)\n\nAn A.\n\n"
        "````{py:method} of(c: str) -> A\n:classmethod:\n\nMake one:\n\n"
        "```python\nA.of('c')\n```\n````\n`````\n"
    )
    assert site("llms").without_directives(page) == (
        "# tau2.x\n\n## `A(b: int)`\n\nAn A.\n\n### `of(c: str) -> A`\n\nMake one:\n\n"
        "```python\nA.of('c')\n```\n"
    )


def test_llms_txt_names_every_page_of_the_navigation(site, pages):
    text = site("llms").llms_txt(pages.navigation())
    assert text.startswith("# tau2\n\n> tau2 simulates conversations")
    for section in pages.navigation():
        assert f"## {section.title}\n" in text
        assert [page for page in section.pages if f"]({page.name}.md): " not in text] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "skills").glob("*/SKILL.md")), ids=lambda path: path.parent.name
)
def test_a_skill_says_its_name_and_when_to_use_it(path):
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    said = yaml.safe_load(head)
    assert set(said) == {"name", "description"}
    assert said["name"] == path.parent.name
    assert " Use when " in said["description"]
    assert len(said["description"]) < 300
    assert body.count("```bash") >= 1
