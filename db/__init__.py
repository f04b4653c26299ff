"""Postgres: the stores and their statements. May import generation and runtime; never providers.

A statement that runs often is built once (`@cache`): building it takes longer than Postgres needs to run it.
"""
