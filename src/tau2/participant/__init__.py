"""What agents and users have in common: protocols, states, and the specs of plug-ins."""
