"""Train on a Tinker service, or in this process where there is none: `python main.py --help`."""

import sys

from act_prm.cli import main

if __name__ == "__main__":
    sys.exit(main())
