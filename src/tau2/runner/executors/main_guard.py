"""What happens when a worker process imports the script that started the run.

Python imports the main script again in every spawned process. A script without a guard would start
the run again there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tau2.errors import ConfigError

WORKER_PREFIX = "tau2-worker-"
EXIT_CODE = 97
"""Of a worker process whose main script began a run while it was imported."""

MESSAGE = (
    "a script that plays with workers is imported again by every worker process, so it must begin "
    'its work below the line `if __name__ == "__main__":`; write that line, or leave out `workers`'
)


def forget_missing_script() -> None:
    """Keep spawned processes from importing a main script that is no file, such as standard input.

    They would end with a traceback.
    """
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if path is not None and not Path(path).exists():
        del main.__file__


def check_main_guard() -> None:
    """Refuse to begin a run while a spawned process is still importing the main script.

    A worker of ours ends without a word, because the process that started it says what is wrong.
    In another process, raise ConfigError.
    """
    process = sys.modules.get("multiprocessing.process")
    current = process.current_process() if process is not None else None
    # The attribute is what multiprocessing itself goes by when it refuses to start a process.
    if not getattr(current, "_inheriting", False):
        return
    if str(getattr(current, "name", "")).startswith(WORKER_PREFIX):
        raise SystemExit(EXIT_CODE)
    raise ConfigError(
        "this process is still importing the script that started it: begin the run below the line "
        '`if __name__ == "__main__":`'
    )
