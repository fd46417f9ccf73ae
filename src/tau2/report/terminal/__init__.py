"""Tables, progress and conversations for the terminal."""
