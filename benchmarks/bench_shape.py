"""The shape of the source.

Figures that tell how the code reads, beside those of code that is read gladly.

Figures of httpx for comparison: 3 lines over 100 columns, 0.5 tuple assignments and 32 own-line
comments per 1,000 lines. Import circles are strongly connected sets of modules; imports for type
checkers only are left out.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
from common import report, rounded

import act_prm
import tau2

PACKAGES = [Path(package.__file__).resolve().parent for package in (tau2, act_prm)]
WIDEST = 100  # columns
SMALL_HELPER = 6  # lines


def modules() -> list[Path]:
    """Return every module of both packages."""
    return sorted(path for package in PACKAGES for path in package.rglob("*.py"))


def tuple_assignments(tree: ast.Module) -> int:
    """Return how many statements assign several values to several targets at once."""
    return sum(
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Tuple)
        and isinstance(node.value, ast.Tuple)
        for node in ast.walk(tree)
    )


def own_line_comments(text: str) -> int:
    """Return how many comments have a line of their own."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(
        token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip()
        for token in tokens
    )


def code_lines(text: str) -> int:
    """Return how many lines are neither empty nor comments nor parts of a docstring."""
    tree = ast.parse(text)
    docstrings: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                docstrings.update(range(statement.lineno, (statement.end_lineno or 0) + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(
        number not in docstrings and bool(line.strip()) and not line.lstrip().startswith("#")
        for number, line in lines
    )


def small_helpers(trees: list[ast.Module]) -> list[str]:
    """Return the private functions of a few lines whose name is used exactly once."""
    uses: Counter[str] = Counter()
    helpers: list[str] = []
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                uses[node.id] += 1
            elif isinstance(node, ast.Attribute):
                uses[node.attr] += 1
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_small(node):
                helpers.append(node.name)
    return [name for name in helpers if uses[name] == 1]


def _is_small(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    is_private = node.name.startswith("_") and not node.name.startswith("__")
    return is_private and (node.end_lineno or 0) - node.lineno < SMALL_HELPER


def circles() -> list[list[str]]:
    """Return the sets of modules that import one another, by Tarjan's algorithm."""
    graph = grimp.build_graph("tau2", "act_prm", exclude_type_checking_imports=True, cache_dir=None)
    imports = {
        name: sorted(graph.find_modules_directly_imported_by(name)) for name in graph.modules
    }
    return [sorted(found) for found in _components(imports) if len(found) > 1]


def _components(edges: dict[str, list[str]]) -> Iterator[list[str]]:
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    for root in sorted(edges):
        if root in index:
            continue
        work = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            node, neighbours = work[-1]
            for neighbour in neighbours:
                if neighbour not in index:
                    index[neighbour] = low[neighbour] = len(index)
                    stack.append(neighbour)
                    work.append((neighbour, iter(edges[neighbour])))
                    break
                if neighbour in stack:
                    low[node] = min(low[node], index[neighbour])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    component = stack[at:]
                    del stack[at:]
                    yield component


def main() -> None:
    """Print the figures."""
    texts = [path.read_text(encoding="utf-8") for path in modules()]
    trees = [ast.parse(text) for text in texts]
    lines = sum(len(text.splitlines()) for text in texts)
    helpers = small_helpers(trees)
    names = Counter(
        node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    )
    repeated = sorted(name for name, count in names.items() if count > 1)
    found_circles = circles()
    per_thousand = 1000 / lines
    figures = {
        "modules": len(texts),
        "lines": lines,
        "code_lines": sum(map(code_lines, texts)),
        "lines_over_100_columns": sum(
            len(line) > WIDEST for text in texts for line in text.splitlines()
        ),
        "any": sum(
            isinstance(node, ast.Name) and node.id == "Any"
            for tree in trees
            for node in ast.walk(tree)
        ),
        "import_circles": len(found_circles),
        "tuple_assignments_per_1000_lines": rounded(
            sum(map(tuple_assignments, trees)) * per_thousand
        ),
        "own_line_comments_per_1000_lines": rounded(
            sum(map(own_line_comments, texts)) * per_thousand
        ),
        "small_helpers_with_one_caller_per_1000_lines": rounded(len(helpers) * per_thousand),
        "class_names_used_twice": len(repeated),
    }
    targets = {
        "lines_over_100_columns": 0,
        "any": 500,
        "import_circles": 0,
        "small_helpers_with_one_caller_per_1000_lines": 1,
    }
    report("shape", figures, targets, circles=found_circles, repeated_class_names=repeated)


if __name__ == "__main__":
    main()
