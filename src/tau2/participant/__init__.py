"""What an agent and a user have in common: protocols, states, and the specs that plug-ins export."""
