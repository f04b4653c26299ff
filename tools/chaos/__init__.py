"""Whole exams while processes and servers are killed, judged against a model (`make chaos`).

May import production packages and `tools.stack`.
"""
