"""From the lake to a bundle that serving can run, and what it is worth."""
