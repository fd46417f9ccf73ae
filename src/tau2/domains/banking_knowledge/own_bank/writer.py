"""Writes the articles of our own bank from its table of facts and the texts in `prose/`.

A text has no figures of its own: each comes from the table through a placeholder, and an article
knows which facts it states. The texts are lines in a small language:

- `{card.annual_fee:$}` is a fact, and how it is written: `$` money, `%` percent, `and`/`or` a list
  in words, `codes`/`codes_or` literal values, any other word a unit (`day`: "1 day", "2 days").
- `{title:limit_increase.conditions}` is the title of the article on a topic. In an article about a
  product, the topics of the same product are found without naming it.
- `/ text` lines that follow each other are ways of saying the same; one of them is taken, another
  one for each product. A line `/` ends such a group where the next one follows at once.
- `? path | text` is written if a fact holds (is not zero, empty or false), `! path | text` if not.
- `* path | text` is written for each entry of a table or list, as `{item}` and `{key}`;
  `* path[field=value] | text` for those whose field has a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

from pydantic import BaseModel, ConfigDict

from tau2.domains.banking_knowledge.own_bank.table import FOLDER, OwnBank, own_bank
from tau2.environment.db import read_data_file
from tau2.errors import DataFileError
from tau2.knowledge.documents import Document

PROSE = FOLDER / "prose"

_PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
# Names of tools and the numbers of steps are no facts.
_NO_FACT = re.compile(r"`[a-z_]+_\d{4}`|`get_card_last_4_digits`|^\d+\. ")


@dataclass(frozen=True, slots=True)
class Article:
    """A document, the topics it is the home of, and the facts it states."""

    document: Document
    topics: tuple[str, ...]
    facts: Mapping[str, str]
    """Path in the table, for example `cards.orchard.annual_fee` → the fact as it was written."""


class _Prose(BaseModel):
    """One `[[article]]` of a file of texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product: str = ""
    """The third part of the ids; an article for each product takes the product's key."""
    each: str = ""
    """The table of products that there is an article for each of, with an optional filter."""
    topics: list[str] = []
    titles: list[str]
    """Ways to say the title; with `each` another one for each product."""
    text: str


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    area: str
    business_area: str = ""
    """The area of articles about products for businesses, where it is another one."""
    article: list[_Prose]


@dataclass(slots=True)
class _Draft:
    """An article that is going to be written."""

    id: str
    prose: _Prose
    turn: int
    """Which of several ways of saying something is taken."""
    names: dict[str, str]
    """Name in the text → path in the table, for example `card` → `cards.orchard`."""
    product: str
    title: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        suffix = f":{self.product}" if self.product else ""
        return tuple(topic + suffix for topic in self.prose.topics)


@lru_cache(maxsize=1)
def write_articles() -> tuple[Article, ...]:
    """Return all articles in the order of their ids.

    Raises:
        DataFileError: a text names a fact or a topic that does not exist, or holds a figure.
    """
    writer = _Writer(own_bank())
    return writer.articles()


class _Writer:
    def __init__(self, bank: OwnBank) -> None:
        self.bank = bank
        self.titles: dict[str, str] = {}
        """Topic → title of its article."""

    def articles(self) -> tuple[Article, ...]:
        drafts = list(self._drafts())
        for draft in drafts:
            choices = draft.prose.titles
            draft.title = self._filled(choices[draft.turn % len(choices)], draft)
            for topic in draft.topics:
                self.titles.setdefault(topic, draft.title)
        articles = [
            Article(
                Document(draft.id, draft.title, self._content(draft)), draft.topics, draft.facts
            )
            for draft in drafts
        ]
        return tuple(sorted(articles, key=lambda article: article.document.id))

    def _drafts(self) -> Iterator[_Draft]:
        numbers: dict[str, int] = {}
        for path in sorted(PROSE.glob("*.toml")):
            file = _File.model_validate(read_data_file(path))
            for position, prose in enumerate(file.article):
                for turn, (product, names) in enumerate(self._products(prose)):
                    business = file.business_area and self.bank.cards[product].business
                    area = file.business_area if business else file.area
                    group = f"doc_{area}_{product or prose.product}"
                    numbers[group] = numbers.get(group, 0) + 1
                    yield _Draft(
                        id=f"{group}_{numbers[group]:03}",
                        prose=prose,
                        turn=turn + position,
                        names=names,
                        product=product,
                    )

    def _products(self, prose: _Prose) -> Iterator[tuple[str, dict[str, str]]]:
        if not prose.each:
            yield "", {}
            return
        for path, _value in self._entries(prose.each, {}):
            table, _, key = path.rpartition(".")
            yield key, {"card" if table == "cards" else "level": path, "it": path}

    def _content(self, draft: _Draft) -> str:
        lines: list[str] = []
        choices: list[str] = []
        groups = 0
        for line in [*draft.prose.text.strip().splitlines(), ""]:
            if line.startswith("/ "):
                choices.append(line[2:])
                continue
            if choices:
                chosen = choices[(draft.turn + groups) % len(choices)]
                lines += self._line(chosen, draft)
                groups += 1
                choices = []
                if line == "/":
                    continue
            lines += self._line(line, draft)
        return "\n".join(lines).strip()

    def _line(self, line: str, draft: _Draft) -> list[str]:
        sign = line[:1]
        path, bar, text = line[2:].partition(" | ")
        if sign not in {"?", "!", "*"} or line[1:2] != " " or not bar:
            return [self._filled(line, draft)]
        if sign == "*":
            return [
                filled
                for entry, _value in self._entries(path, draft.names)
                for filled in self._line(text, self._about(draft, entry))
            ]
        absolute, value = self._value(path, draft.names)
        if bool(value) != (sign == "?"):
            return []
        draft.facts.setdefault(absolute, "")
        return self._line(text, draft)

    def _about(self, draft: _Draft, entry: str) -> _Draft:
        """Return the draft with `item` and `key` naming an entry; the facts are shared."""
        names = {**draft.names, "item": entry, "key": f"{entry}."}
        return _Draft(
            draft.id, draft.prose, draft.turn, names, draft.product, draft.title, draft.facts
        )

    def _entries(self, path: str, names: Mapping[str, str]) -> Iterator[tuple[str, object]]:
        """Yield path and value of the entries of a table or list."""
        base, _, condition = path.partition("[")
        field_name, _, wanted = condition.rstrip("]").partition("=")
        absolute, value = self._value(base, names)
        entries: Iterator[tuple[object, object]]
        if isinstance(value, Mapping):
            entries = iter(value.items())
        else:
            entries = iter(enumerate(cast("list[object]", value)))
        for key, entry in entries:
            if condition and str(getattr(entry, field_name)).lower() != wanted:
                continue
            yield f"{absolute}.{key}", entry

    def _value(self, path: str, names: Mapping[str, str]) -> tuple[str, object]:
        head, _, rest = path.partition(".")
        start = names.get(head, head)
        absolute = f"{start}.{rest}" if rest else start
        value: object = self.bank
        for part in absolute.rstrip(".").split("."):
            value = _step(value, part, absolute)
        return absolute, value

    def _filled(self, text: str, draft: _Draft) -> str:
        bare = _NO_FACT.sub("", _PLACEHOLDER.sub("", text))
        if re.search(r"\d", bare):
            raise DataFileError(f"{draft.id}: a figure that is not from the table: {text!r}")
        return _PLACEHOLDER.sub(lambda found: self._fact(found, draft), text)

    def _fact(self, found: re.Match[str], draft: _Draft) -> str:
        path, style = found[1], found[2] or ""
        if path == "title":
            return self._title(style, draft)
        if path == "key":
            key = draft.names["item"].rpartition(".")[2]
            return f"`{key}`" if style == "codes" else key
        absolute, value = self._value(path, draft.names)
        written = _written(value, style)
        draft.facts[absolute] = written
        return written

    def _title(self, topic: str, draft: _Draft) -> str:
        for name in (f"{topic}:{draft.product}", topic):
            if name in self.titles:
                return f'"{self.titles[name]}"'
        raise DataFileError(f"{draft.id}: no article is about {topic!r}")


def _step(value: object, part: str, path: str) -> object:
    if isinstance(value, Mapping) and part in value:
        return value[part]
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    if isinstance(value, BaseModel) and part in type(value).model_fields:
        return getattr(value, part)
    raise DataFileError(f"the table has no fact {path!r}")


def _written(value: object, style: str) -> str:
    if isinstance(value, list):
        return _joined([str(each) for each in value], style)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if style == "$":
            return f"${value:,.2f}" if value != int(value) else f"${value:,.0f}"
        if style == "%":
            return f"{value:g}%"
        number = f"{value:,.0f}" if value == int(value) else f"{value:g}"
        if not style:
            return number
        return f"{number} {style}" if value == 1 else f"{number} {style}s"
    return f"`{value}`" if style == "codes" else str(value)


def _joined(words: list[str], style: str) -> str:
    if style.startswith("codes"):
        words = [f"`{word}`" for word in words]
    if len(words) == 1:
        return words[0]
    last = "or" if style.endswith("or") else "and"
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
