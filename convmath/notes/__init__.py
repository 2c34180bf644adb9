"""Worked examples and the lecture's numbers."""
