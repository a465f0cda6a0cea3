"""`python -m wiring.cli`: as the stack starts its processes."""

from __future__ import annotations

import sys

from wiring.cli import main

if __name__ == "__main__":
    sys.exit(main())
