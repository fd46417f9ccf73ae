"""What happens to speech on its way: noise, lost packets, muffling, the telephone line."""
