"""Convolution in several variables: ∫ f(r′) h(r - r′) dr′."""

from .solve import convolved

__all__ = ["convolved"]
