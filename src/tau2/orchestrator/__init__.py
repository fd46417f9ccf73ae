"""tau2.orchestrator."""
