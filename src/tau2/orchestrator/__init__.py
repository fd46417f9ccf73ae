"""The turn loop: a generator that performs no I/O, and its drivers."""
