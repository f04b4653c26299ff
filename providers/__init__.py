"""Clients of the model providers, with the fallback, rate limits, circuit breaker and cache that all workers share.

May import `generation` and `runtime`.
"""
