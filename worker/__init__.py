"""The Celery process: assembly, leases, liveness, and the operators' command. May import db, providers,
generation and runtime.
"""
