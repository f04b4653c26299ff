"""Measurements behind the decisions: costs, prefetching, the ledger, and many students at once.

May import production packages and the other tools.
"""
