"""Convolution of functions and sequences, in symbols."""

from .convolution import Convolution, Correlation, Result, convolve, correlate

__all__ = ["Convolution", "Correlation", "Result", "convolve", "correlate"]
