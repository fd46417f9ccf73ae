"""Makes tasks of the mock domain, for training: every task has a team and a list of its own."""
