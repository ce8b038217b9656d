"""Top floor: everything that runs and everything that speaks HTTP."""
