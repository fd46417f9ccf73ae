"""Middleware around model calls: limits, budget, cache, recording and replay."""
