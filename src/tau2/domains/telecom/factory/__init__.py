"""Makes the carrier's data and fresh tasks from a seed; not needed at run time."""
