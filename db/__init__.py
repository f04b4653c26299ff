"""Postgres: tables, leases, committed questions, the ledger and the operator's queries.

May import `generation` and `runtime`.
"""
