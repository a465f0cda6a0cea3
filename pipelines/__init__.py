"""Consumers of the log that keep something derived from it: features, the lake."""
