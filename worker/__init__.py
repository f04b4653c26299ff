"""The worker process and the operator's commands: assembly, leases, runs, and the hardened connection to the broker.

May import `db`, `providers`, `generation` and `runtime`.
"""
