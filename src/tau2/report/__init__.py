"""How a run is shown: live progress, tables and conversations on the terminal.

Figures come from `tau2.metrics`; nothing here computes a score of its own.
"""
