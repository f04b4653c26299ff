"""The HTTP API that the web app calls: it creates sessions, requests batches and streams events.

May import every production package except `providers` and the parts of `worker` and `tasks` that run batches.
"""
