"""Requests and responses of other protocols than chat completions, from and to OpenAI's chat form."""
