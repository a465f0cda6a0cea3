"""How many somebody may follow: in steps, by the age of the account and by who follows back."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import FollowLimit

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """An account younger than `new_hours` may follow `new`; whoever follows `free` may go on while their
    followers are at least `percent` of those whom they follow; nobody follows more than `most`."""

    new: int
    new_hours: int
    free: int
    percent: int
    most: int

    @property
    def least(self) -> int:
        """Whoever follows fewer is below every step."""
        return min(self.new, self.free, self.most)

    @property
    def followers_up_to(self) -> int:
        """More followers than these need not be counted: they are enough at any step."""
        return -(-self.most * self.percent // 100)

    def asks_for_followers(self, followees: int) -> bool:
        return followees >= self.free

    def check(self, *, age_ms: int, followees: int, followers: int) -> None:
        """Raises FollowLimit, naming the step, where one more than `followees` is too many."""
        if followees >= self.most:
            raise _refused(self.most, f"nobody may follow more than {self.most:,} users")
        if followees >= self.new and age_ms < self.new_hours * HOUR_MS:
            raise _refused(self.new, f"an account under {self.new_hours} h may follow {self.new:,} users")
        if followees >= self.free and followers * 100 < followees * self.percent:
            raise _refused(
                self.free,
                f"beyond {self.free:,} one's followers must be at least {self.percent} % of those whom one "
                "follows",
            )


def _refused(limit: int, detail: str) -> FollowLimit:
    return FollowLimit(detail, field="user_id", limit=limit)
