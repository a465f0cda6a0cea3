"""Which stacks `rankfeed chaos` may disturb."""

from __future__ import annotations

from console.access import is_loopback
from wiring.settings import Settings


def may_be_disturbed(settings: Settings) -> bool:
    """As the settings say; where they say nothing, a stack that nobody else can reach."""
    allowed = settings.chaos.allowed
    return is_loopback(settings.api.host) if allowed is None else allowed
