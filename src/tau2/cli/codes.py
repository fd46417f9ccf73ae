"""The exit codes of `tau2`."""

OK = 0
UNSCORED = (
    1  # finished, but simulations failed for their surroundings, or check-data found problems
)
USAGE = 2  # wrong usage or configuration; nothing was played
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
