"""`python -m areal.launcher.slurm SCRIPT.py --config FILE key=value ...`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tau2_launch import main

if __name__ == "__main__":
    sys.exit(main("slurm", sys.argv[1:]))
