"""Measurements of economics, prefetching and the ledger, whose figures decide a design. May import production
and tools.
"""
