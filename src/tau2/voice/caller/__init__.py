"""The parts of the simulated caller: what it hears, says, and does besides; see `voice.user`."""
