"""tau2.metrics."""
