"""Forwards the launchers of older command lines to `tau2_launch.py`."""
