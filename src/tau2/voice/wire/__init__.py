"""OpenAI's voice protocols from the server's side, as state machines without sockets."""
