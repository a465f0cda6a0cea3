"""What a run of histories must have been, to have shown anything."""

from __future__ import annotations

from tests.histories.tally import Tally

RULES = (
    *("post", "reply", "retweet", "delete", "like", "unlike"),
    *("follow", "unfollow", "block", "unblock", "mute", "unmute", "17 follows in a row"),
    *("page in a scroll", "flush", "expiry", "abort", "held", "replay", "redelivery", "disorder"),
)
LEAST_SHARE = 0.2
LEAST_STEPS = 20
FEW = 200
"""Of fewer histories shares say little."""


def shortcomings(tally: Tally) -> list[str]:
    """Empty where every rule took place in a fifth of the histories, and half of these are long."""
    lacking = []
    if tally.median_steps < LEAST_STEPS:
        lacking.append(f"half of the histories have fewer than {LEAST_STEPS} steps")
    if len(tally.lengths) >= FEW:
        lacking += [
            f"'{rule}' took place in {tally.share(rule):.0%} of the histories, which is too few"
            for rule in RULES
            if tally.share(rule) < LEAST_SHARE
        ]
    return lacking
