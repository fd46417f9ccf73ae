"""Makes the intake domain's orders and tasks from a seed. Not needed to run tasks."""
