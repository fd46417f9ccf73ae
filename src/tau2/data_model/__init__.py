"""Messages, tasks, run configurations and results: the data that crosses the package's borders."""
