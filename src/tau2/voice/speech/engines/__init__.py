"""Speech engines, one module each. `tau2.voice.speech.registry` finds them by name."""
