"""tau2.runner."""
