"""Contests and everything that a participant does."""
