"""Beside torch, in the better of its two memory layouts: `python -m tests.bench.torch`."""
