"""What is not production: simulator, development stack, demo, benchmarks, chaos runs, studies. Production
never imports it.
"""
