"""Programs for development and proof: the local stack, simulator, demo, chaos runs, benchmarks and studies.

They may import production packages; no production package imports them.
"""
