"""What every process needs: settings, logs, metrics, traces, signing keys, and connections to Redis.

Imports no other package of ours.
"""
