"""Benchmarks against the simulator and against peers. May import production and other tools."""
