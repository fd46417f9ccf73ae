"""tau2.domains."""
