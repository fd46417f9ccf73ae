"""A text agent that speaks: detection of turns, recognition, the agent's reply, synthesis."""
