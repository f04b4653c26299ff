"""The whole system as local processes, with embedded Postgres and Redis (`make up`).

May import production packages.
"""
