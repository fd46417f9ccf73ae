"""The pages of the documentation site, from the markdown of the repository.

`docs/README.md` is the navigation: its headings are sections, its list entries are pages. Pages are
copied into a folder for Sphinx. Links between them are rewritten where a page has another place in
the site than in the repository; examples become pages of their own.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
NAVIGATION = "docs/README.md"
SKILLS = sorted(path.parent for path in (ROOT / "skills").glob("*/SKILL.md"))
_ENTRY = re.compile(r"^\* \[(?P<title>[^\]]+)\]\((?P<target>[^)]+)\): (?P<about>.+)$")
_LINK = re.compile(r"(?P<before>!?\[[^\]]*\]\()(?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")
_FENCE = re.compile(r"^(?:```|~~~)", re.MULTILINE)
_OUTSIDE = {
    NAVIGATION: "index",
    "README.md": "first-steps",
    "CONTRIBUTING.md": "contributing",
    "SECURITY.md": "security",
    "CHANGELOG.md": "changes",
    "AGENTS.md": "agents",
    "examples/README.md": "examples/index",
    "skills/README.md": "skills/index",
    **{f"skills/{path.name}/SKILL.md": f"skills/{path.name}" for path in SKILLS},
}
"""Where pages lie in the site that do not lie below docs/ in the repository."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where it comes from, and what the navigation says about it."""

    source: str
    """Its path in the repository."""
    title: str
    about: str

    @property
    def name(self) -> str:
        """Its path in the site, without a suffix."""
        return name_of(self.source)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the navigation, with its pages."""

    title: str
    pages: list[Page]


def name_of(source: str) -> str:
    """Return the name in the site of a page, by its path in the repository."""
    if source in _OUTSIDE:
        return _OUTSIDE[source]
    return str(PurePosixPath(source.removeprefix("docs/")).with_suffix(""))


def navigation() -> list[Section]:
    """Return the sections of the navigation."""
    sections: list[Section] = []
    for line in (ROOT / NAVIGATION).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            sections.append(Section(line.removeprefix("## "), []))
        entry = _ENTRY.match(line)
        if entry is not None:
            source = posixpath.normpath(f"docs/{entry['target']}")
            sections[-1].pages.append(Page(source, entry["title"], entry["about"]))
    return sections


def sources() -> list[str]:
    """Return every page of the repository that the site has."""
    below = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    outside = [source for source in _OUTSIDE if source not in below]
    return [source for source in (*below, *outside) if (ROOT / source).exists()]


def examples() -> list[str]:
    """Return the programs and notebooks that are pages of the site."""
    found = [*(ROOT / "examples").glob("*.py"), *(ROOT / "examples").glob("*.ipynb")]
    return [path.relative_to(ROOT).as_posix() for path in sorted(found)]


def write_pages(folder: Path) -> None:
    """Write all pages of the repository into `folder`, as Sphinx reads them."""
    known = {source: name_of(source) for source in (*sources(), *examples())}
    for source in sources():
        text = (ROOT / source).read_text(encoding="utf-8")
        _write(folder, known[source], rewritten(text, source, known) + _further(source))
    for source in examples():
        _write(folder, known[source], example_page(source))
    shutil.copytree(ROOT / "docs" / "images", folder / "images")


def _write(folder: Path, name: str, text: str) -> None:
    file = folder / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def rewritten(text: str, source: str, known: dict[str, str]) -> str:
    """Return a page with links that are right in the site."""
    pieces: list[str] = []
    for is_code, piece in _parts(text):
        pieces.append(piece if is_code else _LINK.sub(lambda m: _link(m, source, known), piece))
    return "".join(pieces)


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the text between fences, and the blocks."""
    end = 0
    marks = [match.start() for match in _FENCE.finditer(text)]
    for begin, close in zip(marks[::2], marks[1::2], strict=False):
        yield False, text[end:begin]
        end = text.find("\n", close) + 1 or len(text)
        yield True, text[begin:end]
    yield False, text[end:]


def _link(match: re.Match[str], source: str, known: dict[str, str]) -> str:
    target = match["target"]
    if not target or "://" in target or target.startswith("mailto:"):
        return match[0]
    # Names in the repository, not files: pathlib would not take `..` out of them.
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    here = posixpath.dirname(name_of(source))
    if path in known:
        place = posixpath.relpath(f"{known[path]}.md", here or ".")
        return f"{match['before']}{place}{match['anchor'] or ''})"
    if path.startswith("docs/images/"):
        return match[0]
    if not (ROOT / path).exists():
        raise ValueError(f"{source}: {match[0]} leads nowhere")
    # A folder or file of the repository that is no page of the site: its name, and no link.
    return f"`{match['before'].strip('[(]')}`"


def _further(source: str) -> str:
    """Return the tables of contents that Sphinx wants and a reader does not see."""
    if source == NAVIGATION:
        shown = [
            toctree(section.title, [f"{page.title} <{page.name}>" for page in section.pages])
            for section in navigation()
        ]
        return "".join([*shown, toctree("Reference", ["Python packages <api/index>"])])
    if source == "docs/decisions/README.md":
        names = sorted(path.stem for path in (ROOT / "docs" / "decisions").glob("0*.md"))
        return toctree("", names)
    if source == "examples/README.md":
        return toctree("", [PurePosixPath(example).stem for example in examples()])
    if source == "skills/README.md":
        return toctree("", [path.name for path in SKILLS])
    return ""


def toctree(caption: str, names: list[str]) -> str:
    """Return a hidden table of contents."""
    lines = ["", "", "```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```", ""]
    return "\n".join(line for line in lines if line != ":caption: ")


def example_page(source: str) -> str:
    """Return a program or a notebook as a page."""
    path = ROOT / source
    if path.suffix == ".py":
        program = path.read_text(encoding="utf-8")
        return f"# {path.name}\n\n```python\n{program}```\n"
    blocks = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        blocks.append(f"```python\n{text}\n```" if cell["cell_type"] == "code" else text)
    return "\n\n".join(blocks) + "\n"
