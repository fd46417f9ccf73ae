"""Action process-reward training over tau2 rollouts (the package's name is reserved; see CHANGELOG.md)."""
