"""The exit codes of `tau2`."""

OK = 0
# Finished, but some simulations have no score, or a check found problems.
PROBLEMS = 1
USAGE = 2  # wrong usage or configuration; nothing was played
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
