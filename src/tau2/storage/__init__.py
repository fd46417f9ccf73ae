"""Runs on disk: files, results, the store with its journal and lock, inspection and repair."""
