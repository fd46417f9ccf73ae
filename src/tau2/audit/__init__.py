"""Proving tasks: the reference earns everything, the floors earn nothing, and a customer could really want it."""
