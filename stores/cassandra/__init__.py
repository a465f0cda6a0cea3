"""The distributed stores: every port on Cassandra 5, with an outbox row as the commit point."""
