"""The skew meter's words."""

from __future__ import annotations

from training.skew import FeatureSkew, Skew

_SHOWN = 8


def render_skew(skew: Skew) -> str:
    """For a terminal, without a newline at its end."""
    lines = [
        f"{skew.compared:,} items of {skew.requests:,} requests compared, {skew.scored:,} were scored; "
        f"{skew.equal:,} have the same bits in each of {len(skew.features)} features"
    ]
    if skew.older:
        lines.append(f"{skew.older:,} were scored under another schema, and left out")
    if skew.not_yet:
        lines.append(
            f"{skew.not_yet:,} were computed from rows that the lake does not have yet, and left out"
        )
    if skew.lost:
        lines.append(
            f"{skew.lost:,} were computed from rows that the lake has skipped: they cannot be rebuilt"
        )
    unequal = [one for one in skew.features if one.unequal]
    if unequal:
        lines += [
            "",
            f"{'feature':<24}{'unequal':>10}{'only served':>13}{'only again':>12}  difference, and when",
        ]
        lines += [_line(one) for one in unequal]
        lines += ["", *(f"{one.feature} first: {one.example}" for one in unequal[:_SHOWN])]
    return "\n".join(lines)


def _line(one: FeatureSkew) -> str:
    return (
        f"{one.feature:<24}{one.unequal:>10,}{one.only_served:>13,}{one.only_recomputed:>12,}  "
        f"at most {one.max_difference:.3g}, {one.mean_difference:.3g} in the mean; "
        f"{one.first_at} to {one.last_at}"
    )
