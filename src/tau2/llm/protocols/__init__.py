"""Requests and responses of other protocols, from and to OpenAI's chat completions."""
