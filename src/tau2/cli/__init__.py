"""tau2.cli."""
