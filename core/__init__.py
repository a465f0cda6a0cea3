"""Ids, domain types, errors, clock and deadline: what every floor above may use."""
