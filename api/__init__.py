"""The HTTP API: thin routes over the stores. May import tasks.contract and tasks.enqueue, db, generation and
runtime; never a model SDK.
"""
