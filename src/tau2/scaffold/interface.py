"""What a domain is derived into, whatever it comes from: shapes of data, tables and tools."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from tau2.utils.json_types import JsonObject, JsonValue
from tau2.utils.text import shortened

_LONGEST_SOURCE = 48  # characters

ShapeKind: TypeAlias = Literal[
    "text", "integer", "number", "boolean", "choice", "list", "map", "record", "any"
]
ToolKind: TypeAlias = Literal[
    "get", "find", "create", "update", "delete", "event", "read_single", "update_single"
]
OnDelete: TypeAlias = Literal["refuse", "delete", "clear"]
Constant: TypeAlias = str | int | bool | list[str] | dict[str, str]
"""Of lists and maps, those without content."""
Role: TypeAlias = Literal["key", "filter", "least", "most", "search", "limit", "value"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The type of a value."""

    kind: ShapeKind
    choices: tuple[str | int, ...] = ()
    """Of a choice: what the value may be."""
    item: Shape | None = None
    """Of a list or a map: what it holds."""
    record: RecordShape | None = None
    form: str = ""
    """Of a text: what it looks like, such as "date" or "uuid"."""
    is_nullable: bool = False
    examples: tuple[str | int | float, ...] = ()
    low: float | None = None
    high: float | None = None
    shortest: int = 0
    """Of a text: how many characters it has at least; of a list: how many items."""
    longest: int | None = None
    """Of a text: how many characters it has at most."""

    def without_null(self) -> Shape:
        """Return the shape of a value that is there."""
        return replace(self, is_nullable=False)

    @property
    def is_scalar(self) -> bool:
        """Whether a value is one text, number, truth value or choice."""
        return self.kind in {"text", "integer", "number", "boolean", "choice"}


@dataclass(frozen=True, slots=True)
class Member:
    """A named value: a field of a record, or an argument of a tool."""

    name: str
    """An identifier."""
    shape: Shape
    is_required: bool = True
    description: str = ""
    source: str = ""
    """How the source spells the name, where that differs."""
    default: str | int | float | bool | None = None
    is_read_only: bool = False
    """Whether only the company writes it: a record has it, and nobody sends it."""


@dataclass(frozen=True, slots=True)
class RecordShape:
    """The fields of a record."""

    name: str
    """What it is called in the source; classes are named after it."""
    members: tuple[Member, ...]
    description: str = ""

    def member(self, name: str) -> Member | None:
        """Return the field of this name."""
        return next((member for member in self.members if member.name == name), None)


@dataclass(frozen=True, slots=True)
class Link:
    """Fields of a record that name a record of another table."""

    members: tuple[str, ...]
    table: str
    on_delete: OnDelete = "refuse"
    """What becomes of a record when the one that it names is deleted; "clear" empties its fields,
    and with "refuse" the named one cannot be deleted."""


@dataclass(slots=True)
class Table:
    """Records of one kind, by key."""

    name: str
    """A field of the database."""
    noun: str
    """One of its records, in words."""
    record: RecordShape
    key: tuple[str, ...]
    is_numbered: bool = False
    """Whether a new record gets its key from the database."""
    links: tuple[Link, ...] = ()
    rows: list[JsonObject] = field(default_factory=list)
    is_unique: tuple[str, ...] = ()
    """Fields of which no two records have the same value."""


@dataclass(frozen=True, slots=True)
class Single:
    """What there is once in the database, such as its settings."""

    name: str
    shape: Shape
    value: JsonValue
    description: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a tool, and what it does."""

    member: Member
    role: Role
    target: str = ""
    """The field that it is compared with or written to."""


@dataclass(frozen=True, slots=True)
class ToolDesign:
    """A tool, as far as code, policy and tasks follow from it."""

    name: str
    kind: ToolKind
    table: str
    """The table, or the single value, that it works on; empty: none."""
    description: str
    parameters: tuple[Parameter, ...] = ()
    constants: tuple[tuple[str, Constant], ...] = ()
    """Fields that it sets to values of its own, such as a status."""

    def with_role(self, role: Role) -> list[Parameter]:
        """Return the arguments of a role."""
        return [parameter for parameter in self.parameters if parameter.role == role]


@dataclass(slots=True)
class Interface:
    """Everything that a package is written from."""

    source: str
    """What it was derived from, in a few words that are safe in any file."""
    tables: list[Table] = field(default_factory=list)
    singles: list[Single] = field(default_factory=list)
    tools: list[ToolDesign] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """What of the source is not in the package, each with the reason."""
    notes: list[str] = field(default_factory=list)
    """What has to be known of the package, each one sentence."""
    task_count: int = 0
    """How many tasks the package has."""
    has_own_records: bool = False
    """Whether the records are the source's own, and not examples."""

    def __post_init__(self) -> None:
        """Cut a long name of a source."""
        self.source = shortened(self.source, _LONGEST_SOURCE)

    def table(self, name: str) -> Table | None:
        """Return the table of this name."""
        return next((table for table in self.tables if table.name == name), None)

    def single(self, name: str) -> Single | None:
        """Return the single value of this name."""
        return next((single for single in self.singles if single.name == name), None)

    @property
    def has_events(self) -> bool:
        """Whether a tool only notes that it was called."""
        return any(tool.kind == "event" for tool in self.tools)
