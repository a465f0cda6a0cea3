"""The event log: what happened, in keyed order, at least once, replayable."""
