"""tau2.llm.backends."""
