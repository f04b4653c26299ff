"""A soak: students take exam after exam for minutes, beside hostile clients or harmless ones."""
