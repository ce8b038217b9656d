"""Faults under load: what is broken on purpose, and whether anything acknowledged is lost by it."""
