"""The demonstration province (DEMO=1): real units, invented people, synthetic attempts."""
