"""tau2.agent."""
