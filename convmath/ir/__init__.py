"""The language of statements: nodes, affine forms over integer polynomials, walking, checking, exact values."""
