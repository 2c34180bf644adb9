"""The operators: one file per family, holding its statement and its kernels; the registry lists them."""
