"""tau2.evaluator."""
