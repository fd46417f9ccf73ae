"""Writes `documents.json`, the knowledge base of our own bank, from the table of its facts.

`python -m tau2.domains.banking_knowledge.articles` writes the file anew; with `--check` it says
whether the file is up to date and exits with 1 if it is not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tau2.domains.banking_knowledge.own_bank.writer import write_articles

DOCUMENTS = Path(__file__).parent / "documents.json"


def documents_text() -> str:
    """Return the text of the file: a list of id, title and content."""
    documents = [
        {
            "id": article.document.id,
            "title": article.document.title,
            "content": article.document.content,
        }
        for article in write_articles()
    ]
    return json.dumps(documents, indent=1, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the file. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the articles of our own bank.")
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    text = documents_text()
    if parser.parse_args(arguments).check:
        return 0 if DOCUMENTS.read_text(encoding="utf-8") == text else 1
    DOCUMENTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
