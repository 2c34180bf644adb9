"""Arrays on a GPU, held against NumPy's and timed beside the library's own operators: `python -m tests.bench.gpu`."""
