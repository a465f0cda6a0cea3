"""Viewers with known utilities who use the HTTP API like anybody else."""
