"""Makes the carrier's world and its tasks from a seed; see `python -m tau2.domains.telecom.factory --help`."""
