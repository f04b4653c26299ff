"""One exam with a student who reads it over HTTP, shown on a screen (`make demo`).

May import `runtime` and `tools.stack`, never `tools.simulator`.
"""
