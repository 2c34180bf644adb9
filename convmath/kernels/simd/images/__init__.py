"""Kernels of whole networks whose lanes are images.

An array (N, C, *n) lies as (C, *n, images): one vector holds the same element of as many images as it has lanes. Then
what any window reads is whole vectors, whatever the rank, stride, dilation and padding, and nothing is packed between
layers. `layout` says where an element lies, `tables` what reads what, `network` makes a plan of a whole training step,
and `program` runs it. The images that fill up the last vector are zeros, and get the cotangent 0.
"""
