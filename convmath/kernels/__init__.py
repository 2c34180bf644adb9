"""Arrays in, arrays out: the operators on numbers. Nothing is checked here, and no symbol enters.

`direct` is the plain definition, tap by tap; `patches` lays windows out as strided views and multiplies matrices.
Both have the same functions with the same arguments. Arrays are (N, C, *spatial); there is one `Window` an axis.
"""
