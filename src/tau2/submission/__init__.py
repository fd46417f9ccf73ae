"""Leaderboard submissions: preparing, checking, verifying and ranking them."""
