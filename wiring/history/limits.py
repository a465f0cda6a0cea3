"""What a history cannot tell, in plain words: each sentence only where it applies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interchange.report import ImportReport
from ranking.bundle import parse_time
from training.contents import Contents
from training.evaluation import Evaluation
from training.train import FEW_POSITIVES
from wiring.history.report import HeadSupport

_FEW_VIEWERS = 200
_WEEK_MS = 7 * 86_400_000
_NEARLY_ALL, _NEARLY_NONE = 0.99, 0.01


def limits(
    contents: Contents,
    imports: Sequence[ImportReport],
    evaluation: Evaluation,
    heads: Sequence[HeadSupport],
) -> list[str]:
    """Sentences, the weightiest first."""
    return [
        "Only what was shown can be judged: no order is credited with an item that nobody was shown, though "
        "finding others is half of what a ranked feed does.",
        *_of_selection(contents),
        *_of_places(contents, evaluation),
        *_of_follows(contents, imports),
        *_of_time(contents, evaluation),
        *_of_heads(heads, contents),
        *_of_looks(contents, imports),
        *_of_completeness(contents),
        *_of_size(evaluation),
        "What people would come to do after weeks of ranked feeds is in no log of before them: only an "
        "experiment tells.",
    ]


def _of_selection(contents: Contents) -> Iterator[str]:
    if contents.randomised < _NEARLY_NONE:
        yield (
            "What was shown was chosen by whatever made the feed then. It left nothing to chance, or nobody "
            "wrote down how likely each item was to be shown, so the choice cannot be corrected for (no "
            "inverse propensities): what that feed never showed to somebody, nothing here knows of."
        )


def _of_places(contents: Contents, evaluation: Evaluation) -> Iterator[str]:
    if contents.placed < _NEARLY_NONE:
        yield (
            "Where an item stood is not known. What stood higher is looked at longer and clicked more, and "
            "that cannot be told from being better: training had no positions to correct by."
        )
    elif contents.placed < _NEARLY_ALL:
        yield (
            f"Where an item stood is known of {contents.placed:.0%} of the impressions; the others count as "
            "of an average place. The model's training corrects for it, the regression's does not."
        )
    else:
        yield (
            "Where items stood is known. The model's training corrects for it; the regression's and the "
            "report's own counts do not: an order that agrees with the one that was shown is flattered a "
            "little."
        )
    if evaluation.group == "viewer-day":
        yield (
            "Most requests hold one item, so orders are of a viewer's day as if it had been shown at once: "
            "items of the evening compete with those of the morning."
        )


def _of_follows(contents: Contents, imports: Sequence[ImportReport]) -> Iterator[str]:
    assumed = [one for report in imports for one in report.assumptions if "follow" in one and "assum" in one]
    if assumed:
        yield (
            "The follows are assumed, not recorded (see below): a viewer's timeline in a stack of this data "
            "is made of them."
        )
    elif not contents.follows:
        yield (
            "There are no follows: “chronological” is what was shown, newest first, and not the feed of "
            "those whom a viewer follows. `rankfeed convert kuairand --follow-engaged` shows how they may be "
            "assumed."
        )


def _of_time(contents: Contents, evaluation: Evaluation) -> Iterator[str]:
    if contents.same_hour > 0.5:
        yield (
            f"{contents.same_hour:.0%} of the tweets are written at the same time of day: the source knows "
            "days only, so time order is coarse, and a chronological feed of exact times may do better."
        )
    replayed = evaluation.impressions - evaluation.as_served
    if replayed:
        yield (
            f"The features of {replayed:,} impressions were computed afterwards, as they would have been "
            f"known {evaluation.lag_s:g} s before each; a feed whose features lag further behind does worse."
        )


def _of_heads(heads: Sequence[HeadSupport], contents: Contents) -> Iterator[str]:
    few = [f"{one.name} ({one.positives:,})" for one in heads if one.constant]
    if few:
        yield (
            "Too few positives to learn from, so these heads are constants and change no order: "
            f"{', '.join(few)}; a head takes {FEW_POSITIVES} by default."
        )
    if not contents.did.get("hide") and not contents.did.get("report"):
        yield (
            "Nobody hid or reported anything, or it was not recorded: what people dislike looks like what "
            "they did not notice."
        )
    if not contents.did.get("dwell"):
        yield "How long people stayed with an item is not recorded: a click and a good click are one thing."


def _of_looks(contents: Contents, imports: Sequence[ImportReport]) -> Iterator[str]:
    unseen = any(one.not_imported.get("impressions not seen") for one in imports)
    if contents.imported > _NEARLY_ALL and not unseen:
        yield (
            "The source says of every impression that it was seen. Where items were shown that nobody looked "
            "at, they count as looked at and not wanted."
        )


def _of_completeness(contents: Contents) -> Iterator[str]:
    if not contents.declared:
        yield (
            "How far the source is complete is not known: what came of its last impressions is taken as "
            "known up to the last of them. `complete_until` in meta.json says it; import once more with it."
        )


def _of_size(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.viewers < _FEW_VIEWERS:
        yield (
            f"{evaluation.viewers:,} viewers are few: intervals by resampling them are too narrow rather "
            "than too wide."
        )
    span_ms = parse_time(evaluation.to_at) - parse_time(evaluation.from_at)
    if span_ms < _WEEK_MS:
        yield (
            f"{span_ms / 86_400_000:.1f} days were judged, less than a week: the intervals know of chance in "
            "who came, not of other weekdays or seasons."
        )
