"""Looking and playing in the terminal: screens as pure objects, and one thin driver that knows what a terminal is.

`App` takes keys and returns lines; only `terminal` reads and writes a device.
"""
