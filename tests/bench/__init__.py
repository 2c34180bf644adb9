"""Benchmarks: `python -m tests.bench.NAME`, or all of them with `make bench`. docs/benchmarks.md keeps the figures."""
