"""The schema as a Feast repository, for notebooks and tools; no process that serves imports it."""
