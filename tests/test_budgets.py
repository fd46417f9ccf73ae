"""Outer bounds of the code.

Module and function length, imports that can be seen, reasons for suppressions.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import act_prm
import tau2

PACKAGES = [Path(package.__file__).resolve().parent for package in (tau2, act_prm)]
SOURCE = PACKAGES[0]
MODULES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
MOST_LINES = 800  # of a module, without its data tables
MOST_FUNCTION_LINES = 80
_TABLE = 10  # lines from which a literal at module level counts as a data table

_BY_NAME = {
    "__init__.py",  # tables of contents load names on first use
    "commands.py",  # a command's module is loaded when the command is given
    "registry.py",  # finds plug-ins by looking
    "routing.py",  # finds model backends by looking
    "pydantic_model.py",  # a model of somebody's own, named by `tau2 new --from`
    "trial.py",  # a package that was just written
}
"""The files that may import a module by a computed name; import-linter cannot see such imports."""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def lines_of(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


def size_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function.

    Of a tool, without the docstring, which is what the model reads.
    """
    is_tool = any("is_tool" in ast.unparse(decorator) for decorator in function.decorator_list)
    docstring = function.body[0] if is_tool and ast.get_docstring(function) else None
    return lines_of(function) - (lines_of(docstring) if docstring is not None else 0)


def is_table(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value is not None
        and lines_of(node) >= _TABLE
    )


def short(path: Path) -> str:
    return path.relative_to(SOURCE.parent).as_posix()


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_modules_are_short():
    sizes = {
        short(path): len(path.read_text(encoding="utf-8").splitlines())
        - sum(lines_of(node) for node in parsed(path).body if is_table(node))
        for path in MODULES
    }
    assert {name: size for name, size in sizes.items() if size > MOST_LINES} == {}


def test_functions_are_short():
    too_long = {
        f"{short(path)}: {function.name}": size_of(function)
        for path in MODULES
        for function in functions_of(path)
        if size_of(function) > MOST_FUNCTION_LINES
    }
    assert too_long == {}


def imports_by_computed_name(path: Path) -> list[int]:
    calls = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    return [
        call.lineno
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", ""))
        in {"import_module", "__import__"}
        and not (call.args and isinstance(call.args[0], ast.Constant))
    ]


def test_modules_are_imported_by_names_that_can_be_seen():
    hidden = {
        short(path): imports_by_computed_name(path) for path in MODULES if path.name not in _BY_NAME
    }
    assert {name: lines for name, lines in hidden.items() if lines} == {}


def test_a_silenced_check_says_why():
    silenced = re.compile(r"#\s*(noqa|type:\s*ignore)")
    with_reason = re.compile(r"(noqa: [A-Z0-9, ]+|ignore\[[\w, -]+\])  \S")
    silent = [
        f"{short(path)}: {line.strip()}"
        for path in MODULES
        for line in path.read_text(encoding="utf-8").splitlines()
        if silenced.search(line) and not with_reason.search(line)
    ]
    assert silent == []


def test_no_module_names_a_folder_of_somebodys_machine():
    named = re.compile(r"/(?:home|Users|work|root|tmp)/\w")
    assert [short(path) for path in MODULES if named.search(path.read_text(encoding="utf-8"))] == []
