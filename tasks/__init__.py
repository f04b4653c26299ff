"""The Celery tasks, and the contract of the messages that start them.

May import every production package except `api`.
"""
