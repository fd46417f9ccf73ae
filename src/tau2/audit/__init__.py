"""Audits of tasks.

The reference earns reward 1, the baselines earn 0, and a customer can state everything that the
reference needs.
"""
