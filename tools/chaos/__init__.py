"""Whole exams while processes and servers are killed, and a judge of what is left. May import production and
tools.stack.
"""
