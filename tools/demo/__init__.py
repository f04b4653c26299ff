"""A student that takes an exam over HTTP, with a report. It knows nothing of the simulator."""
