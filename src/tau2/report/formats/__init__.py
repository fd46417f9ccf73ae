"""Stored runs in the formats of other tools: ATIF, logs of Inspect, data sets of Hugging Face.

Simulations are read one by one, so that a run of any size takes the memory of one (of a batch, for
data sets). Credentials are taken out of every text; what was stored is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from tau2.report.cleaner import Cleaner
from tau2.report.formats.atif import export_atif
from tau2.report.formats.exported_run import ExportedRun
from tau2.report.formats.hf_dataset import export_hf
from tau2.report.formats.inspect_log import export_inspect

ExchangeFormat = Literal["atif", "inspect", "hf"]


def export_as(
    form: ExchangeFormat, runs: Sequence[ExportedRun], folder: Path, clean: Cleaner | None = None
) -> dict[Path, int]:
    """Write runs in a format of another tool.

    Args:
        form: The format.
        runs: The stored runs; their names must differ.
        folder: Made when it is not there; files of the same names in it are replaced.
        clean: What takes credentials out of texts.

    Returns:
        What was written, a folder or a file, and how many simulations or rows it holds.

    Raises:
        DataFileError: A stored simulation cannot be read.
    """
    return EXPORTERS[form](runs, folder, clean or Cleaner())


EXPORTERS: Mapping[
    ExchangeFormat, Callable[[Sequence[ExportedRun], Path, Cleaner], dict[Path, int]]
] = {"atif": export_atif, "inspect": export_inspect, "hf": export_hf}

__all__ = ["EXPORTERS", "ExchangeFormat", "ExportedRun", "export_as"]
