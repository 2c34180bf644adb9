"""Proofs for all sizes, and the ledger in which they are kept."""
