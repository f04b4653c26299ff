"""Figures put together from two or more shapes."""
