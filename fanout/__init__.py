"""The fan-out worker: from the log into the timelines of active followers."""
