"""What a user writes to load the taskset by an id of its own."""

from tau2.integrations.verifiers import TauTaskset

__all__ = ["TauTaskset"]
