"""Train with PyTorch and peft in this process: `python main_pytorch.py --help`."""

import sys

from act_prm.cli import main_pytorch

if __name__ == "__main__":
    sys.exit(main_pytorch())
