"""What the task factories of the domains share."""
