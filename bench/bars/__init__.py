"""The bars: each a command that prints a value, the bar, and whether it holds."""
