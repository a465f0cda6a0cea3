"""Ports to the truth and to the caches, and their adapters."""
