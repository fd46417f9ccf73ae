"""The recording of a call, in the folder of its run."""

from __future__ import annotations

import glob
from pathlib import Path

from tau2.data_model.simulation import SimulationRun
from tau2.storage.results import results_file

RECORDINGS = ("both.wav", "both.flac")
"""What the stereo file of a call may be called: the user is on the left, the agent on the right."""


def recording_of(path: Path, run: SimulationRun) -> Path | None:
    """Return the stereo file of a call; None where there is none.

    Args:
        path: Folder or results file of the run.
        run: The simulation.
    """
    folder = results_file(path).parent
    if "/" in run.id or "\\" in run.id:
        return None  # an id from a file that others made may be any text
    of_call = f"artifacts/task_*/sim_{glob.escape(run.id)}/audio"
    found = sorted(file for name in RECORDINGS for file in folder.glob(f"{of_call}/{name}"))
    return found[0] if found else None
