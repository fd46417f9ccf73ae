"""List the licence of every package that tau2 brings, and fail on one that is not free.

    python tools/licences.py [EXTRA ...]

Looks at the packages of this environment: those that `tau2-bench[EXTRA, ...]` needs, directly or
not. The exit status is 1 when a licence is not in the list below, or a package is not installed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "tau2-bench"

FREE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CNRI-Python",
        "GCC-exception-3.1",
        "HPND",
        "ISC",
        "LGPL-2.1-or-later",  # of a library that is used as it comes: soxr
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        "ZPL-2.1",
        "Zlib",
    }
)
"""Licences, by their SPDX identifiers, that allow using, changing and passing on."""

_SPELLINGS: dict[str, str] = {
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
"""How packages without an SPDX expression spell theirs."""

REVIEWED: dict[str, str] = {}
"""Packages whose metadata names no licence, with that of their licence file."""


def main(extras: Sequence[str]) -> int:
    """Return 0 when every package is there and free."""
    lines, problems = [], []
    for found in closure(PROJECT, extras):
        if isinstance(found, str):
            problems.append(f"{found}: not installed here, so its licence was not looked at")
            continue
        name = canonicalize_name(found.metadata["Name"])
        licence = REVIEWED.get(name) or licence_of(found)
        lines.append(f"{name:<44}{found.version:<16}{licence or 'none named'}")
        if not is_free(licence):
            problems.append(f"{name} {found.version}: {licence or 'no licence is named'}")
    write(sys.stdout, sorted(lines))
    write(sys.stderr, problems)
    write(sys.stdout, [f"packages: {len(lines)}; not free or unknown: {len(problems)}"])
    return int(bool(problems))


def closure(project: str, extras: Sequence[str]) -> Iterator[Distribution | str]:
    """Yield the distributions that a project with extras needs; a name for one that is absent."""
    seen: set[tuple[str, str]] = set()
    yielded: set[str] = set()
    waiting = [(project, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            found = distribution(name)
        except PackageNotFoundError:
            if name not in yielded:
                yielded.add(name)
                yield name
            continue
        if name not in yielded and name != project:
            yielded.add(name)
            yield found
        for line in found.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                child = canonicalize_name(needed.name)
                waiting += [(child, one) for one in ("", *sorted(needed.extras))]


def licence_of(found: Distribution) -> str:
    """Return an SPDX expression as far as the metadata of a distribution allows."""
    metadata = found.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or ()
        if line.startswith("License ::") and not line.endswith(":: OSI Approved")
    ]
    texts = [str(metadata.get("License") or "").strip().partition("\n")[0], *classifiers]
    known = [_SPELLINGS.get(text.lower().strip(), text) for text in texts if text]
    free = [text for text in known if is_free(text)]
    return (free or known or [""])[0]


def is_free(expression: str) -> bool:
    """Return whether an SPDX expression allows free use: each part of AND, one part of OR."""
    if expression in FREE:
        return True
    text = expression.strip()
    if text.startswith("(") and _closes_at_the_end(text):
        return is_free(text[1:-1])
    for joint, combined in ((" OR ", any), (" AND ", all)):
        parts = _split(text, joint)
        if len(parts) > 1:
            return combined(is_free(part.strip()) for part in parts)
    return False


def _split(text: str, joint: str) -> list[str]:
    """Return the parts between joints that are in no parentheses."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(rf"[()]|{joint}", text):
        if match[0] in "()":
            depth += 1 if match[0] == "(" else -1
        elif depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _closes_at_the_end(text: str) -> bool:
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return place == len(text) - 1
    return False


def write(stream: object, lines: Sequence[str]) -> None:
    """Write lines to a stream."""
    stream.writelines(f"{line}\n" for line in lines)  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
