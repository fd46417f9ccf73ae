"""tau2.user."""
