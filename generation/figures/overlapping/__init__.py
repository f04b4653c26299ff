"""The eight overlapping patterns of the exam."""
