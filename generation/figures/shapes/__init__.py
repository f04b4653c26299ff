"""Plane shapes, solids and the coordinate plane."""
