"""Other people's test suites, run on `functional`: python -m tests.bench.suites [onnx] [torch] [scipy].

ONNX's backend tests, torch's samples of its operators (values and gradients), and the calls that SciPy's own tests make
of convolve, correlate and their kin. Each call agrees, is refused with a sentence, or differs; none may differ.
docs/suites.md keeps the figures.
"""
