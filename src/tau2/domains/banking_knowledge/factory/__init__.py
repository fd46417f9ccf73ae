"""Makes the tasks of our own bank from a seed. Not needed to run tasks."""
