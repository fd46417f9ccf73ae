"""Which kind of source `--from` names, and what it is read with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tau2.errors import ConfigError, quoted
from tau2.scaffold.interface import Interface
from tau2.scaffold.selection import Selection
from tau2.scaffold.sources.documents import read_document, safe_name
from tau2.scaffold.sources.mcp_server import read_server
from tau2.scaffold.sources.mcp_tools import is_tool_list, read_tools
from tau2.scaffold.sources.openapi import is_openapi, read_openapi
from tau2.scaffold.sources.pydantic_model import is_name_of_model, read_model
from tau2.scaffold.sources.sqlite import read_sqlite

_SQLITE = b"SQLite format 3\x00"
_MCP = "mcp:"
KINDS_OF_SOURCE = (
    "a SQLite database (shop.db), an OpenAPI document (openapi.yaml), a pydantic model "
    "(module:Model) or an MCP server ('mcp:python server.py', mcp:http://127.0.0.1:8000/mcp)"
)


def read_source(
    source: str, only: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> Interface:
    """Return the interface that a source describes.

    Args:
        source: A path, `module:Model`, or `mcp:` with a command or an address behind it.
        only: Patterns of names of operations, tools or tables; empty: all of them are taken.
        headers: What is sent with requests to an MCP server at an address.

    Raises:
        ConfigError: there is no such source, it is of no kind that is known, or nothing can be
            derived from it.
    """
    selection = Selection(tuple(only))
    if source.startswith(_MCP):
        return read_server(source.removeprefix(_MCP).strip(), selection, headers)
    if headers:
        raise ConfigError("--header is for an MCP server at an address, as in mcp:http://...")
    path = Path(source)
    if path.is_file():
        return _read_file(path, selection)
    if is_name_of_model(source):
        return read_model(source, selection)
    if source.startswith(("http://", "https://")):
        raise ConfigError(
            "--from reads no addresses but those of MCP servers, spelled mcp:http://...; download "
            "an OpenAPI document first"
        )
    raise ConfigError(f"there is no file {quoted(source)}; --from takes {KINDS_OF_SOURCE}")


def _read_file(path: Path, selection: Selection) -> Interface:
    with path.open("rb") as file:
        beginning = file.read(len(_SQLITE))
    if beginning == _SQLITE:
        return read_sqlite(path, selection)
    if path.suffix.lower() in {".yaml", ".yml", ".json"}:
        return _read_document(path, selection)
    if not beginning:
        raise ConfigError(f"{path} is empty")
    if path.suffix.lower() in {".db", ".sqlite", ".sqlite3"}:
        raise ConfigError(f"{path} is no SQLite database; it may be encrypted or damaged")
    raise ConfigError(f"{path} is of no kind that is known; --from takes {KINDS_OF_SOURCE}")


def _read_document(path: Path, selection: Selection) -> Interface:
    document = read_document(path)
    if is_openapi(document):
        return read_openapi(document, safe_name(path), selection)
    if is_tool_list(document):
        return read_tools(document, safe_name(path), selection)
    raise ConfigError(
        f"{path} has neither `paths` (an OpenAPI document) nor `tools` (what an MCP server lists)"
    )
