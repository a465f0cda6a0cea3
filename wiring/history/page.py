"""What a history says of ranking, as one page with plots."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from training.at_top import Depth, TopReport
from training.evaluation import Evaluation, HeadReport
from training.head_page import head_report
from training.page import bullets, document, figure, moment, note, pair, paragraph, section, table, tiles
from training.plots import interval_plot
from training.resampling import Estimate, interval
from wiring.history.report import HistoryReport

_CHAPTERS = {
    "gain": "The gain",
    "limits": "What the data cannot tell",
    "heads": "Heads",
    "data": "The data",
    "method": "The method",
}
_CHRONOLOGICAL = "chronological"
_METHOD = (
    "The estimate re-ranks what was shown: the items of one request (of one viewer's day, where requests are "
    "not known) are put in the order of the model, of time, of popularity and of a logistic regression, and "
    "what the viewer really did with those that come first is counted. Items of equal score share their "
    "places. It is the usual offline judgement of a ranking (NDCG: Järvelin and Kekäläinen, 2002), not an "
    "experiment.",
    "It is no inverse-propensity estimate (Li et al., 2011; Swaminathan and Joachims, 2015): those need the "
    "chance with which each item was shown, of a feed that left something to chance.",
    "Intervals are 95 %: viewers are drawn anew, with all that is theirs (cluster bootstrap; Cameron, "
    "Gelbach and Miller, 2008), and every order is measured on the same draws, so differences are paired.",
    "The model, the regression and every feature know only what was known before: the impressions judged "
    "here come after the training's end.",
)


def page(report: HistoryReport) -> str:
    """HTML in one file; what people wrote is escaped."""
    one = report.evaluation
    sources = ", ".join(dict.fromkeys(each.source for each in report.imports)) or "this home"
    body = [
        paragraph(
            f"{one.model}, {report.learned}; judged on {one.impressions:,} later impressions, "
            f"of {one.viewers:,} viewers, {moment(one.from_at)} to {moment(one.to_at)}."
        ),
        tiles(_first_numbers(one)),
        section("gain", "What ranking would gain, of what was shown", _gain(report)),
        section("limits", "What the data cannot tell", [bullets(report.cannot_tell)]),
        section("heads", "What the model predicts", _heads(report)),
        section("data", "The data", _data(report)),
        section("method", "How it was estimated", [bullets(_METHOD)]),
    ]
    return document(f"rankfeed report: what ranking would gain on {sources}", body, _CHAPTERS)


def _first_numbers(one: Evaluation) -> Iterator[tuple[str, str]]:
    if one.top is not None and one.top.depths:
        first = one.top.depths[0]
        over = first.others[_CHRONOLOGICAL]
        yield (
            _percent(over.lift.value, signed=True),
            f"engagement with the first item of a {one.top.group}, over time order; 95 %: {_span(over.lift)}",
        )
    name, first_head = next(iter(one.heads.items()))
    if first_head.auc is None or first_head.ndcg10 is None:
        return
    in_time_order, popular = (first_head.baselines.get(each) for each in (_CHRONOLOGICAL, "popularity"))
    if in_time_order is not None:
        other = _number(in_time_order.ndcg10.value)
        yield _number(first_head.ndcg10.value), f"NDCG@10 of {name}; in time order {other}"
    if popular is not None:
        other = _number(popular.auc.value)
        yield _number(first_head.auc.value), f"AUC of {name}; by popularity {other}"
    if first_head.calibration is not None:
        yield _number(first_head.calibration.ratio.value), f"predicted over happened, of {name}"


def _gain(report: HistoryReport) -> Iterator[str]:
    one = report.evaluation
    if one.top is None or not one.top.depths:
        yield note(
            f"The objective {report.objective} weighs what this model or this data does not have, or nothing "
            "was shown together: what the first items would be worth cannot be told."
        )
    else:
        yield from _top(report, one.top)
    rows = [
        (f"{head}: {name}", "model", each.gain.ndcg10)
        for head, judged in one.heads.items()
        for name, each in judged.baselines.items()
        if not judged.constant
    ]
    yield "<h3>NDCG@10: how much higher stands what people wanted</h3>"
    yield figure(
        interval_plot(rows, "The model's NDCG@10 above that of each order, by head", digits=3, mark=0.0),
        "The model above each other order, by head; paired. Right of the dashed line the model is better.",
    )
    yield table(
        ("head", "model", "chronological", "popularity", "logistic", "model above chronological"),
        [
            [
                head,
                "a constant: no order" if judged.constant else interval(judged.ndcg10, digits=3),
                *(_ndcg(judged, name) for name in (_CHRONOLOGICAL, "popularity", "logistic")),
                _above(judged),
            ]
            for head, judged in one.heads.items()
        ],
    )


def _top(report: HistoryReport, top: TopReport) -> Iterator[str]:
    weights = ", ".join(f"{head} {weight:g}" for head, weight in top.weights.items())
    yield paragraph(
        f"An item is worth what its viewer did with it, by the weights of the objective {report.objective}: "
        f"{weights}. In an order by chance the first item of a {top.group} of more than one would be worth "
        f"{interval(top.shown, digits=3)}. Below is what the first items of a {top.group} would be worth in "
        "each order, over those that have more items than that."
    )
    if report.multiplied:
        yield paragraph(
            f"What the objective multiplies by besides ({', '.join(report.multiplied)}) is left out: it is a "
            "choice, and what it is for does not show in such a sum."
        )
    rows = [
        (f"first {depth.first}: {name}", "model", other.gain)
        for depth in top.depths
        for name, other in depth.others.items()
    ]
    first = top.depths[0]
    orders = [("model", "model", first.model)] + [
        (name, "baseline", other.worth) for name, other in first.others.items()
    ]
    yield pair(
        figure(
            interval_plot(orders, f"Worth of the first {first.first} by order", digits=3),
            f"What the first {first.first if first.first > 1 else 'item'} would be worth, by order.",
        ),
        figure(
            interval_plot(rows, "The model's worth above that of each order", digits=3, mark=0.0),
            "The model above each other order; paired.",
        ),
    )
    yield table(
        ("first", "order", "worth of an item", "model above it", "as a share", "groups", "viewers"),
        [row for depth in top.depths for row in _depth(depth)],
    )


def _depth(depth: Depth) -> Iterator[list[str]]:
    counts = [f"{depth.groups:,}", f"{depth.viewers:,}"]
    yield [str(depth.first), "model", interval(depth.model, digits=3), "", "", *counts]
    for name, other in depth.others.items():
        yield [
            "",
            name,
            interval(other.worth, digits=3),
            interval(other.gain, digits=3, signed=True),
            _percent(other.lift.value, signed=True),
            "",
            "",
        ]


def _heads(report: HistoryReport) -> Iterator[str]:
    yield paragraph("Each head is the chance that something follows once an item was seen.")
    yield table(
        ("head", "positives to learn from", "window", ""),
        [
            [one.name, f"{one.positives:,}", f"{one.window_s:g} s", "a constant" if one.constant else ""]
            for one in report.heads
        ],
    )
    for name, judged in report.evaluation.heads.items():
        yield f"<h3>{escape(name)}{' <small>constant</small>' if judged.constant else ''}</h3>"
        yield from head_report(judged)
    yield from map(note, report.evaluation.notes)


def _data(report: HistoryReport) -> Iterator[str]:
    held = report.contents
    did = ", ".join(f"{count:,} {kind}" for kind, count in held.did.items()) or "nothing"
    yield table(
        [],
        [
            ["Viewers", f"{held.viewers:,}"],
            ["Tweets", f"{held.tweets:,} of {held.authors:,} authors"],
            ["Follows", f"{held.follows:,}"],
            ["Impressions", f"{held.impressions:,}, {moment(held.from_at)} to {moment(held.to_at)}"],
            ["What was done", did],
            ["Places known", f"{held.placed:.0%}"],
        ],
        broken=True,
    )
    for one in report.imports:
        yield f"<h3>Imported: {escape(one.source)}</h3>"
        written = {
            kind: one.written.get(kind, 0) + one.there.get(kind, 0) for kind in (one.written | one.there)
        }
        yield paragraph(", ".join(f"{count:,} {kind}" for kind, count in written.items()) + ".")
        if one.not_imported:
            left = ", ".join(f"{count:,} {kind}" for kind, count in one.not_imported.items())
            yield paragraph(f"Not imported, for want of such an event: {left}.")
        if one.refusals:
            yield table(
                ("refused", "rows", "why"),
                [
                    [each.table, f"{each.rows:,}", f"{each.reason}, such as {'; '.join(each.examples)}"]
                    for each in one.refusals
                ],
                broken=True,
            )
        else:
            yield paragraph("No row was refused.")
        if one.assumptions:
            yield paragraph("What was assumed:") + bullets(one.assumptions)
    if not report.imports:
        yield paragraph("Nothing was imported: all of it happened in this stack.")


def _ndcg(judged: HeadReport, name: str) -> str:
    found = judged.baselines.get(name)
    return "-" if found is None else _number(found.ndcg10.value)


def _above(judged: HeadReport) -> str:
    found = judged.baselines.get(_CHRONOLOGICAL)
    return "-" if found is None or judged.constant else interval(found.gain.ndcg10, digits=3, signed=True)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None, *, signed: bool = False) -> str:
    return "-" if value is None else f"{value:{'+' if signed else ''}.1%}"


def _span(one: Estimate) -> str:
    return "cannot be told" if one.lo is None else f"{_percent(one.lo)} to {_percent(one.hi)}"
