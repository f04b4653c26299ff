"""Benchmarks of speed and cost, beside other libraries (`make bench`).

May import production packages and the other tools.
"""
