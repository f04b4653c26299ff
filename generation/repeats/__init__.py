"""Repeats within an exam and across a student's sessions, seen through frames and numbers."""
