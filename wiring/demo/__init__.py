"""The demo: a simulated world on a real stack, and what it comes to: on the terminal, as JSON, as a page."""
