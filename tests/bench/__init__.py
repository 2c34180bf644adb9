"""Benchmarks: `python -m tests.bench.NAME`, or all with `make bench`. docs/benchmarks.md keeps the figures."""
