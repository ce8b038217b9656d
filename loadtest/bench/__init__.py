"""Benchmarks on a stack of their own: CPU costs and ratios to ceilings measured in the same run."""
