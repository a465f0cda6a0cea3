"""From candidates to an order: stages, model and objective."""
