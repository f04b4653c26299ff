"""Model APIs behind one interface, with rate limiter, circuit breaker and cache warm-up. May import generation
and runtime; never db.
"""
