"""What language models read: llms.txt, llms-full.txt, and each page as markdown beside its HTML."""

from __future__ import annotations

import re
from pathlib import Path

from pages import Section, navigation

_SUMMARY = """\
# tau2

> tau2 simulates conversations between an AI agent, a simulated user and a company's tools, and
> grades what happened: for evaluation (many tasks, several trials, pass^k), for reinforcement
> learning (live environments in one process), and for agents, users, domains and model backends of
> your own. It runs without a key or a network:
> `tau2 run --domain mock --agent oracle_agent --user scripted_user`.

Every page of the site is here as markdown, too. llms-full.txt holds all guides in one file.
"""


def llms_txt(sections: list[Section]) -> str:
    """Return the index: every page, with its address relative to this file and its subject."""
    parts = [_SUMMARY]
    for section in sections:
        rows = [f"- [{page.title}]({page.name}.md): {page.about}" for page in section.pages]
        parts.append(f"## {section.title}\n\n" + "\n".join(rows) + "\n")
    parts.append("## API\n\n- [Python packages](api/index.md): modules, classes and functions\n")
    return "\n".join(parts)


_TABLE_OF_CONTENTS = re.compile(r"\n*^```\{toctree\}$.*?^```$\n?", re.MULTILINE | re.DOTALL)


_DIRECTIVE = re.compile(r"(?P<fence>`{3,})\{py:(?P<kind>\w+)\} (?P<signature>.*)")
_OPTION = re.compile(r":(?:async|classmethod|staticmethod):")
_LEVELS = {"method": 3}
"""How deep the heading of a directive is, where it is no 2."""


def without_directives(text: str) -> str:
    """Return a page without what only Sphinx reads.

    Hidden tables of contents are left out, and an entry of the reference becomes a heading with
    the content below it.
    """
    lines: list[str] = []
    fences: list[str] = []
    for line in _TABLE_OF_CONTENTS.sub("\n", text).splitlines():
        if found := _DIRECTIVE.fullmatch(line):
            fences.append(found["fence"])
            if found["kind"] != "module":  # the title of the page says it
                level = _LEVELS.get(found["kind"], 2)
                lines += [f"{'#' * level} `{found['signature']}`", ""]
        elif fences and line == fences[-1]:
            fences.pop()
        elif not (fences and _OPTION.fullmatch(line)):
            lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def write_llms_files(source: Path, html: Path) -> None:
    """Write the files beside the HTML pages; `source` holds the pages as Sphinx read them."""
    sections = navigation()
    (html / "llms.txt").write_text(llms_txt(sections), encoding="utf-8")
    whole = []
    for page in sorted(source.rglob("*.md")):
        place = html / page.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(without_directives(page.read_text(encoding="utf-8")), encoding="utf-8")
    for section in sections:
        for page in section.pages:
            text = (html / f"{page.name}.md").read_text(encoding="utf-8")
            whole.append(f"<!-- {page.name}.md -->\n\n{text}")
    (html / "llms-full.txt").write_text("\n\n".join(whole), encoding="utf-8")
