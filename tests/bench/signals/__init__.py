"""Convolution of functions and sequences beside SymPy, Maxima and Giac: `python -m tests.bench.signals`.

All cases of `../shared/data/signals/cases.json` go to each system as a user would type them, one integral or sum, and
each answer is evaluated at the numbers that are known. Maxima and Giac are asked where they are installed (of Debian:
`maxima`, `maxima-share`, `xcas`).
`--random 2000` tries that many random pairs of the cells that tests/signals/table.py calls closed instead,
`--wider 200` that many correlations, circular convolutions, products in space and others (tests/signals/wider.py).
"""
