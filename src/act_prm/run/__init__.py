"""From what a command line says to a finished run."""

from act_prm.run.options import Override, RunOptions
from act_prm.run.resolve import Resolved, resolve
from act_prm.run.session import FinishedRun, run

__all__ = ["FinishedRun", "Override", "Resolved", "RunOptions", "resolve", "run"]
