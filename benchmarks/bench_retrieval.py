"""Retrievers: how long an index and a query take, and how many documents they find.

Three questions are put to each retriever: the title of every document, with which that document
should be found (MRR and R@10; where titles are searched this is easy); the same with the titles
taken out of what is searched (R@10 of contents); and the scenario of every task, with which its
required documents should be found (R@10 and R@30, averaged over tasks).

  python benchmarks/bench_retrieval.py [--own | --folder FOLDER] [--retrievers okapi bm25 ...]

FOLDER holds `documents` and `tasks`, each as a folder or as one JSON file: the public domain by
default, where TAU2_REFERENCE_DIR names a folder with it, else made-up documents without tasks.
`--own` measures our own bank. Embedders begin with an empty cache.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from common import report, rounded

from tau2.domains import banking_knowledge
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.index import retriever_for
from tau2.knowledge.protocols import Retriever

TARGETS = {
    "okapi_build_ms": 500.0,
    "okapi_query_ms": 0.2,
    "bm25_build_ms": 500.0,
    "bm25_query_ms": 0.2,
    "dense_build_ms": 500.0,
    "hybrid_query_ms": 1.0,
}
LEAST = {
    "bm25_title_r10": 0.68,
    "bm25_scenario_r30": 0.45,
    "hybrid_title_r10": 0.68,
    "hybrid_scenario_r30": 0.45,
}
"""Of the public set: shares that must be reached; reported as what is missing of them."""
PUBLIC = "tau2/domains/banking_knowledge"


class Scenario(NamedTuple):
    """What a customer is told, and the documents that the task requires."""

    text: str
    required: list[str]


def records_in(folder: Path, name: str) -> list[Any]:
    """Return the records of a file, or of all files of a folder."""
    file = folder / f"{name}.json"
    paths = [file] if file.exists() else sorted((folder / name).glob("*.json"))
    read = [json.loads(path.read_text("utf-8")) for path in paths]
    return list(chain.from_iterable(each if isinstance(each, list) else [each] for each in read))


def documents_in(folder: Path) -> DocumentSet:
    """Return the documents of a data folder."""
    read = records_in(folder, "documents")
    return DocumentSet(Document(each["id"], each["title"], each["content"]) for each in read)


def scenarios_in(folder: Path, documents: DocumentSet) -> list[Scenario]:
    """Return the scenarios of a data folder; ones without required documents are left out."""
    found = []
    for task in records_in(folder, "tasks"):
        named = [documents.find(name) for name in task.get("required_documents") or ()]
        required = [document.id for document in named if document is not None]
        if required:
            found.append(Scenario(_text_of(task["user_scenario"]["instructions"]), required))
    return found


def _text_of(instructions: Any) -> str:
    if isinstance(instructions, str):
        return instructions
    return "\n".join(str(value) for value in instructions.values() if value)


def made_up(size: int = 700) -> DocumentSet:
    """Return documents of made-up words, as long as those of the public set."""
    rng = random.Random(1)
    words = [
        "".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(3, 9))) for _ in range(8000)
    ]
    weights = [1 / (1 + n) for n in range(len(words))]

    def text(count: int) -> str:
        return " ".join(rng.choices(words, weights, k=count))

    return DocumentSet(Document(f"d{n:04}", text(6), text(170)) for n in range(size))


def found_by(retriever: Retriever, query: str, limit: int) -> list[str]:
    return [hit.document.id for hit in retriever.search(query, limit)]


def cpu_of_each(search: Callable[[str], object], queries: Sequence[str]) -> float:
    """Return the median CPU milliseconds of a query."""
    samples = []
    for query in queries:
        began = time.process_time_ns()
        search(query)
        samples.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(samples)


def title_figures(name: str, documents: DocumentSet) -> dict[str, float]:
    """Return how well titles find their documents."""
    retriever = retriever_for(documents, name)
    ranks = []
    for document in documents:
        found = found_by(retriever, document.title, 10)
        ranks.append(found.index(document.id) + 1 if document.id in found else 0)
    bare = DocumentSet(Document(each.id, "", each.content) for each in documents)
    contents = retriever_for(bare, name)
    by_content = [each.id in found_by(contents, each.title, 10) for each in documents]
    return {
        "title_mrr": statistics.fmean(1 / rank if rank else 0 for rank in ranks),
        "title_r10": statistics.fmean(rank > 0 for rank in ranks),
        "content_r10": statistics.fmean(by_content),
    }


def scenario_figures(
    name: str, documents: DocumentSet, scenarios: Sequence[Scenario]
) -> dict[str, float]:
    """Return which share of its required documents a scenario finds."""
    retriever = retriever_for(documents, name)
    shares: dict[int, list[float]] = {10: [], 30: []}
    for scenario in scenarios:
        found = found_by(retriever, scenario.text, 30)
        for limit, of_limit in shares.items():
            of_limit.append(statistics.fmean(each in found[:limit] for each in scenario.required))
    return {f"scenario_r{limit}": statistics.fmean(of_limit) for limit, of_limit in shares.items()}


_BUILD = """
import sys, time
sys.path.insert(0, {here!r})
from pathlib import Path
import bench_retrieval
from tau2.knowledge.index import RETRIEVERS
import bm25s, Stemmer, tokenizers
folder = {folder!r}
documents = bench_retrieval.documents_in(Path(folder)) if folder else bench_retrieval.made_up()
RETRIEVERS.check({name!r}, documents)
began = time.process_time()
RETRIEVERS.make({name!r}, documents)
print((time.process_time() - began) * 1e3)
"""


def build_ms(name: str, folder: Path | None) -> float:
    """Return the median CPU milliseconds of an index in a fresh process, without imports."""
    script = _BUILD.format(here=str(Path(__file__).parent), folder=str(folder or ""), name=name)
    samples = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run(
                [sys.executable, "-c", script],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "TAU2_CACHE_DIR": cache},
            )
        samples.append(float(done.stdout))
    return statistics.median(samples)


def default_folder() -> Path | None:
    """Return the public domain of the reference folder, where there is one."""
    named = os.environ.get("TAU2_REFERENCE_DIR")
    return Path(named) / PUBLIC if named else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=default_folder())
    parser.add_argument("--retrievers", nargs="+", default=["okapi", "bm25", "dense", "hybrid"])
    parser.add_argument("--own", action="store_true", help="measure our own bank")
    options = parser.parse_args()
    if options.own:
        options.folder = Path(banking_knowledge.__file__).parent
    documents = documents_in(options.folder) if options.folder else made_up()
    scenarios = scenarios_in(options.folder, documents) if options.folder else []
    titles = [document.title for document in documents]
    figures: dict[str, float] = {}
    for name in options.retrievers:
        measured = title_figures(name, documents)
        if scenarios:
            measured |= scenario_figures(name, documents, scenarios)
        retriever = retriever_for(documents, name)
        measured["query_ms"] = cpu_of_each(lambda query, r=retriever: r.search(query, 10), titles)
        measured["build_ms"] = build_ms(name, options.folder)
        figures |= {f"{name}_{key}": rounded(value) for key, value in measured.items()}
    targets = {key: limit for key, limit in TARGETS.items() if key in figures}
    if options.folder is not None and options.folder == default_folder():
        for key, least in LEAST.items():
            if key in figures:
                figures[f"{key}_missing"] = rounded(max(0.0, least - figures[key]))
                targets[f"{key}_missing"] = 0.0
    report(
        "retrieval", figures, targets, documents=len(documents), scenarios=len(scenarios),
        folder=options.folder.name if options.folder else None,
    )  # fmt: skip


if __name__ == "__main__":
    main()
