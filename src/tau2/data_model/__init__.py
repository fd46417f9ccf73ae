"""Messages, tasks, run configurations and results: the data that crosses every edge of the package."""
