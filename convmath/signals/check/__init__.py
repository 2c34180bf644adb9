"""Whether a result is the convolution, in numbers that know nothing of how it was found: what a caller typed is
integrated or summed at points around every place where something happens.
"""

from .common import concrete
from .functions import checked, poles_of, vanishing_far_out
from .periods import checked_period
from .sequences import checked_sequence
from .space import checked_in_space, checked_sequence_in_space

__all__ = [
    "checked",
    "checked_in_space",
    "checked_period",
    "checked_sequence",
    "checked_sequence_in_space",
    "concrete",
    "poles_of",
    "vanishing_far_out",
]
