"""What every call passes through before its route."""
