"""Postgres: the stores and their statements. May import generation and runtime; never providers."""
