"""Telecom tasks, built from their ids: an id names what is wrong, the world has the customers."""
