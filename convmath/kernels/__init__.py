"""Arrays in, arrays out: the operators on numbers. Nothing is checked here, and no symbol enters.

`direct` is the plain definition, tap by tap. `patches` multiplies matrices of windows, and pools one axis after
the other. `simd` generates kernels with explicit vectors where llvmlite is there. They have the same functions with the
same arguments; `choice` chooses among them. Arrays are (N, C, *spatial), with one `Window` for each spatial axis.
"""
