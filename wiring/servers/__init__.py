"""Kafka, Cassandra and a Redis Cluster on this machine with nothing but Python: for trying and for tests.

Everything listens on the loopback, without authentication. Not for production.
"""
