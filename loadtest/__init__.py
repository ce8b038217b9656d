"""Load tests and scripts that stand outside the platform, and benchmarks that look inside it."""
