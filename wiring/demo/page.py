"""What a demo came to, as one page with plots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape

from simulation.arms import ARMS
from simulation.judgement import ORDERS
from simulation.lift import Estimate as Worth
from training.head_page import head_report
from training.page import bullets, document, figure, note, pair, paragraph, section, table, tiles
from training.plots import interval_plot, share_plot
from training.resampling import Estimate, interval
from wiring.demo.feeds import WORTH, FeedItem, OneFeed
from wiring.demo.report import POST_TO_FEED, DemoFigures, quantiles
from wiring.demo.strip import chaos_section

TITLE = "rankfeed demo: what ranking is worth to simulated people"
_CHAPTERS = {
    "utility": "Utility",
    "order": "Order",
    "feeds": "Two feeds",
    "heads": "Heads",
    "serving": "Serving",
    "chaos": "Chaos",
    "limits": "What it does not prove",
}
_ARM_WORDS = {
    "chronological": "the feed in time order",
    "random": "the same candidates, by chance",
    "ranked": "the feed as the product ranks it",
    "oracle": "the same candidates by what each is truly worth: the best possible order of them",
}
_ORDER_WORDS = {
    "ranked": "the product's ranked feed",
    "chronological": "the newest first",
    "popularity": "by the likes that the feed shows",
    "logistic": "a logistic regression learned from the same rows, by the same objective",
}
_LIMITS = (
    "That real people are like these: what is assumed of them is in docs/simulation.md.",
    "How much your viewers would gain: that depends on them. `rankfeed import` and `rankfeed report` say "
    "what a history of theirs can tell.",
    "What an objective is worth that misses what people want: this one weighs clicks, likes and hides "
    "exactly as the simulated people do, and is off only by what the model predicts of them.",
    "What happens over weeks: everybody comes once here, the model does not learn from what it showed.",
    "Latency on your machines: all processes and all viewers share this one.",
)


def page(figures: DemoFigures) -> str:
    """HTML in one file; what people wrote is escaped."""
    chaos = figures.chaos
    body = [
        paragraph(
            "A simulated week was imported, a model trained on it and promoted; then people came, each in "
            "one of four arms, through the HTTP API. The product knows what they did; only this page knows "
            "what it was worth to them."
        ),
        tiles(_first_numbers(figures)),
        table([], figures.setting.items(), broken=True),
        section("utility", "Utility a session, by arm", _utility(figures)),
        section("order", "NDCG@10 against the truth", _order(figures)),
        section("feeds", "Two feeds of one viewer", _feeds(figures)),
        section("heads", "What the model predicts", _heads(figures)),
        section("serving", "Serving", _serving(figures)),
        *([] if chaos is None else [section("chaos", "Chaos", chaos_section(chaos))]),
        section("limits", "What it does not prove", [bullets(_LIMITS)]),
    ]
    left_out = {"chaos"} if chaos is None else set()
    return document(TITLE, body, {name: words for name, words in _CHAPTERS.items() if name not in left_out})


def _first_numbers(figures: DemoFigures) -> Iterator[tuple[str, str]]:
    lift, ndcg, share = figures.lift, figures.judgement.ndcg, figures.lift.oracle_share
    base = lift.arms["chronological"].mean
    relative = f" ({lift.lift.mean / base:+.0%})" if base > 0 else ""
    yield (
        f"{lift.lift.mean:+.2f}{relative}",
        f"utility a session, over time order; 95 %: {_ends(lift.lift, 2)}",
    )
    yield "-" if math.isnan(share) else f"{share:.0%}", "of what the best possible order would gain"
    yield _number(ndcg["ranked"].mean), f"NDCG@10; by likes it is {_number(ndcg['popularity'].mean)}"
    yield f"{figures.served_ranked_share:.1%}", f"of {len(figures.pages.rungs):,} ranked pages served ranked"
    times = quantiles(figures.pages.latency_ms["ranked"])
    yield f"{_ms(times['p50'])} ms", f"a ranked page in the median; p99 {_ms(times['p99'])} ms"
    yield f"{_ms(quantiles(figures.post_ms)['p50'])} ms", "from a post to a follower's feed, in the median"
    audit = figures.audit
    yield (
        f"{audit.lost} / {audit.doubled}",
        f"lost / doubled, of {audit.items:,} items of {audit.feeds} feeds",
    )


def _utility(figures: DemoFigures) -> Iterator[str]:
    lift = figures.lift
    yield paragraph(
        "The expected worth to a viewer of what they looked at in a session: clicks, likes twice, hides five "
        "times off. Intervals are 95 %, by resampling viewers."
    )
    if math.isnan(lift.oracle_share):
        yield note(f"{figures.share_words()}: its arm is not clearly above time order.")
    else:
        yield paragraph(f"{figures.share_words().capitalize()}.")
    arms = [(arm, "model" if arm == "ranked" else "baseline", _plain(lift.arms[arm])) for arm in ARMS]
    differences = {"ranked, less time order": lift.lift, "A/A: half, less half": lift.aa}
    rows = [(name, "model", _plain(one)) for name, one in differences.items()]
    yield pair(
        figure(interval_plot(arms, "Utility a session by arm", digits=2), "Each arm."),
        figure(
            interval_plot(rows, "Differences of utility a session", digits=2, mark=0.0),
            "Differences. The two halves of the chronological arm must not differ.",
        ),
    )
    yield table(
        ("arm", "viewers", "utility a session", "is"),
        [[arm, f"{lift.viewers[arm]:,}", _words(lift.arms[arm]), _ARM_WORDS[arm]] for arm in ARMS]
        + [[name, "", _words(one), ""] for name, one in differences.items()],
        broken=True,
    )


def _order(figures: DemoFigures) -> Iterator[str]:
    judged = figures.judgement
    yield paragraph(
        f"How high what is worth most stands among a viewer's candidates of one moment, {judged.viewers:,} "
        "viewers; 1 is the best possible order. Differences are paired by viewer."
    )
    if not judged.ndcg["logistic"].known:
        yield note("The logistic regression had nothing to say: no slate of these viewers was scored.")
    elif judged.asked < judged.viewers:
        yield paragraph(
            f"The regression orders what was ranked: {judged.asked:,} of them, as the others' feeds were not "
            "ranked just then. The difference is of these only."
        )
    rows = [(one, "model" if one == "ranked" else "baseline", _plain(judged.ndcg[one])) for one in ORDERS]
    yield figure(interval_plot(rows, "NDCG@10 by order", digits=3), "NDCG@10 of each order.")
    paired = {"popularity": judged.over_popularity, "logistic": judged.over_logistic}
    yield table(
        ("order", "NDCG@10", "ranked above it", "is"),
        [
            [one, _words(judged.ndcg[one]), _words(paired.get(one), signed=True), _ORDER_WORDS[one]]
            for one in ORDERS
        ],
        broken=True,
    )


def _feeds(figures: DemoFigures) -> Iterator[str]:
    yield paragraph(f"{figures.feeds.title}. Here {WORTH}.")
    yield pair(*(_feed(one) for one in figures.feeds.feeds))


def _feed(feed: OneFeed) -> str:
    by = f" by {feed.model}" if feed.model else ""
    items = "".join(
        f'<li><span class="worth">{_worth(one)}</span>{escape(one.text)} '
        f"<small>@{escape(one.handle)}</small></li>"
        for one in feed.items
    )
    on = "" if feed.rung == "full" else f" (rung {feed.rung})"
    heading = escape(f"{feed.algorithm}{by}{on}: {feed.worth:.0f} in all")
    return f'<h3>{heading}</h3><ol class="feed">{items}</ol>'


def _worth(item: FeedItem) -> str:
    return "" if item.worth is None else f"{item.worth:.0f}"


def _heads(figures: DemoFigures) -> Iterator[str]:
    yield paragraph(
        "Each head is the chance that something follows once an item was seen. Judged on the last part of "
        "the imported past, which its trees did not learn from."
    )
    for name, report in figures.heads.items():
        constant = " <small>constant</small>" if report.constant else ""
        yield f"<h3>{escape(name)}{constant}</h3>"
        yield from head_report(report)


def _serving(figures: DemoFigures) -> Iterator[str]:
    yield paragraph("Milliseconds, as clients see them while all are at it.")
    of_times = {name: quantiles(values) for name, values in figures.times_ms.items()}
    rows = [
        (
            name if name == POST_TO_FEED else f"{name} page",
            "model",
            Estimate(one["p50"], one["p50"], one["p99"]),
        )
        for name, one in of_times.items()
        if not math.isnan(one["p50"])
    ]
    yield figure(interval_plot(rows, "Milliseconds", digits=0, mark=0.0), "From p50 (dot) to p99.")
    yield table(
        ("milliseconds", "p50", "p99", "calls"),
        [
            [name, _ms(one["p50"]), _ms(one["p99"]), f"{len(figures.times_ms[name]):,}"]
            for name, one in of_times.items()
        ],
    )
    yield pair(
        _shares("Rungs", "How ranked pages were made: full is all of it.", dict(figures.rungs.most_common())),
        _shares("Sources", "Who found the items of ranked pages.", figures.sources),
    )


def _shares(heading: str, caption: str, counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    if not total:
        return f"<h3>{heading}</h3>{paragraph('Nothing was counted.')}"
    rows = [[name, f"{count:,}", f"{count / total:.1%}"] for name, count in counts.items()]
    plot = share_plot({name: count / total for name, count in counts.items()}, heading)
    return f"<h3>{heading}</h3>{figure(plot, caption)}{table(('', 'count', 'share'), rows)}"


def _plain(one: Worth) -> Estimate:
    return Estimate(one.mean, one.lo, one.hi) if one.known else Estimate(None, None, None)


def _words(one: Worth | None, *, signed: bool = False) -> str:
    return "" if one is None else interval(_plain(one), digits=3, signed=signed)


def _ends(one: Worth, digits: int) -> str:
    return f"{one.lo:.{digits}f} to {one.hi:.{digits}f}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _ms(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0f}"
