"""What an agent can look up: documents, retrievers, and the tools over them, for any domain."""
