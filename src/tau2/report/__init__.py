"""tau2.report."""
