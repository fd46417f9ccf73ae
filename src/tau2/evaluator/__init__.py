"""Grading: one module per thing a reward can rest on, and the product of those that count."""
