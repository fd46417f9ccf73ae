"""Pure functions of results: pass^k, averages, break-downs."""
