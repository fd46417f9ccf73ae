"""Telecom tasks are built from their ids: an id names what is wrong, and the world has the customers."""
