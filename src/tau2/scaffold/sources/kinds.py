"""Which kind of source `--from` names, and what it is read with."""

from __future__ import annotations

from pathlib import Path

from tau2.errors import ConfigError, quoted
from tau2.scaffold.interface import Interface
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


def read_source(source: str) -> Interface:
    """Return the interface that a source describes.

    Args:
        source: A path, `module:Model`, or `mcp:` with a command or an address behind it.

    Raises:
        ConfigError: there is no such source, it is of no kind that is known, or nothing can be
            derived from it.
    """
    if source.startswith(_MCP):
        return read_server(source.removeprefix(_MCP).strip())
    path = Path(source)
    if path.is_file():
        return _read_file(path)
    if is_name_of_model(source):
        return read_model(source)
    if source.startswith(("http://", "https://")):
        raise ConfigError(
            "--from reads no addresses but those of MCP servers, spelled mcp:http://...; download "
            "an OpenAPI document first"
        )
    raise ConfigError(f"there is no file {quoted(source)}; --from takes {KINDS_OF_SOURCE}")


def _read_file(path: Path) -> Interface:
    with path.open("rb") as file:
        beginning = file.read(len(_SQLITE))
    if beginning == _SQLITE:
        return read_sqlite(path)
    if path.suffix.lower() in {".yaml", ".yml", ".json"}:
        return _read_document(path)
    raise ConfigError(f"{path} is of no kind that is known; --from takes {KINDS_OF_SOURCE}")


def _read_document(path: Path) -> Interface:
    document = read_document(path)
    if is_openapi(document):
        return read_openapi(document, safe_name(path))
    if is_tool_list(document):
        return read_tools(document, safe_name(path))
    raise ConfigError(
        f"{path} has neither `paths` (an OpenAPI document) nor `tools` (what an MCP server lists)"
    )
