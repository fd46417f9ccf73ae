"""Spoken conversations: full-duplex episodes over audio.

`audio` holds formats, resampling and files; `effects` what a telephone line and a noisy street do
to speech; `speech` synthesizers, recognizers and voice activity detectors; `turn_taking` who speaks
when; `adapters` the agents that speak; `user` the simulated customer that speaks and hears.

Needs the extra `voice`; real speech without a service needs `voice-local`. Importing this package
loads neither.
"""
