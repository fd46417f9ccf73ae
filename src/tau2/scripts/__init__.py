"""Public paths of the original package; the commands are in `tau2.cli`."""
