"""Figures as data: checked, drawn and described by code. `catalogue` has what other packages call."""
