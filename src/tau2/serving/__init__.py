"""What every server of the package shares: who is answered, and how long a connection may idle."""
