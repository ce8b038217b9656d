"""Proof that something was achieved: certificates and their verification."""
