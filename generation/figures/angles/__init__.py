"""Angles at lines, points and in polygons."""
