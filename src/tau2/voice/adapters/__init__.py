"""Agents that speak: one tick engine, and one module for each provider's protocol."""
