"""The sheet of all figures, and random valid parameters for each pattern."""
