"""The tools of the bank's agent and of its customers, by area."""
