"""From what a command line says to a finished run."""

from act_prm.run.options import Options, Override
from act_prm.run.resolve import Resolved, resolve
from act_prm.run.session import Outcome, run

__all__ = ["Options", "Outcome", "Override", "Resolved", "resolve", "run"]
