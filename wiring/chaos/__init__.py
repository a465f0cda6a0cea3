"""Faults for a running stack: what they are, who may give them, and what clients see of them."""
