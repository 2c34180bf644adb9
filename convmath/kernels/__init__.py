"""Arrays in, arrays out: the operators on numbers. Nothing is checked here, and no symbol enters.

`direct` is the plain definition, tap by tap. `patches` multiplies matrices of windows, and pools one axis after
the other. Both have the same functions with the same arguments. Arrays are (N, C, *spatial), with one `Window`
for each spatial axis.
"""

from types import ModuleType

from . import direct, patches

__all__ = ["AUTO", "METHODS"]

# the kernels that can be chosen by name, and what is chosen if nothing is said
METHODS: dict[str, ModuleType] = {"direct": direct, "patches": patches}
AUTO = "patches"
