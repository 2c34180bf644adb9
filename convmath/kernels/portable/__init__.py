"""Kernels for the arrays of other libraries: slices, gathers and products of matrices of the array API standard."""
