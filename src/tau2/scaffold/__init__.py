"""Writes packages of people's own: `tau2 new domain|agent|user|backend NAME`."""
