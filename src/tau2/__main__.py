"""The command line as `python -m tau2`, for environments whose scripts are not on the PATH."""

import sys

from tau2.cli import main

if __name__ == "__main__":
    sys.exit(main())
