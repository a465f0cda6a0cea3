"""A model's card: one page that says what it is, what it learned from, and what it is worth.

Two files in a bundle, beside manifest.json, and in no digest: `card.html`, which needs nothing but itself,
and `gain.json`, what each feature gained by head, from which `rankfeed evaluate --html FILE` makes the same
page of its own range. A bundle never changes: the card in it is of what was held out in training.

`rankfeed train` joins them in two lines, before it writes the bundle:

    beside = card_files(manifest, judge(held_out, score, names, learned=learn, seed=seed), gains)
    write_bundle(models, manifest, graph, beside)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import msgspec

from core.errors import Corrupt
from ranking.bundle import CARD_FILE, Head, Manifest
from training.card_style import STYLE
from training.evaluation import Evaluation, HeadReport, SliceReport
from training.plots import calibration_plot, gain_plot, interval_plot
from training.resampling import Estimate

GAIN_FILE = "gain.json"

Gains = Mapping[str, Mapping[str, float]]
"""Total gain of the splits, by head and feature; nothing for a constant head."""

_SLICES = {"new_viewers": "new viewers", "new_authors": "new authors", "new_tweets": "new tweets"}
_STYLES = {"model": "model", "champion": "champion"}


def card_files(manifest: Manifest, reports: Mapping[str, HeadReport], gains: Gains) -> dict[str, bytes]:
    """The files by their names; `reports` by head are of what training held out, {} where nothing was."""
    page = render_card(manifest, reports, gains, "what was held out in training")
    plain = {head: dict(by_feature) for head, by_feature in gains.items()}
    return {CARD_FILE: page.encode(), GAIN_FILE: msgspec.json.format(msgspec.json.encode(plain)) + b"\n"}


def evaluation_card(manifest: Manifest, evaluation: Evaluation, gains: Gains) -> bytes:
    """The same page, of an evaluation's range."""
    where = f"{evaluation.impressions:,} impressions, {evaluation.from_at} to {evaluation.to_at}"
    return render_card(manifest, evaluation.heads, gains, where, evaluation.notes).encode()


def read_gains(bundle: Path) -> Gains:
    """Of a bundle; {} where it has none, as of before there were cards. Raises Corrupt."""
    try:
        return msgspec.json.decode((bundle / GAIN_FILE).read_bytes(), type=dict[str, dict[str, float]])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as exc:
        raise Corrupt(f"{bundle / GAIN_FILE} cannot be read: {exc}") from exc


def render_card(
    manifest: Manifest,
    reports: Mapping[str, HeadReport],
    gains: Gains,
    where: str,
    notes: Sequence[str] = (),
) -> str:
    """HTML; `where` says in words which impressions the reports are of."""
    label = f"{manifest.name}@{manifest.version}"
    body = [f"<h1>{escape(label)}</h1>", *_what_it_is(manifest), f"<p>Measured on {escape(where)}.</p>"]
    body += [f'<p class="note">{escape(note)}</p>' for note in notes]
    for head in manifest.heads:
        body += _head(head, reports.get(head.name), gains.get(head.name, {}))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(label)}</title><style>{STYLE}</style></head><body><main>"
        f"{''.join(body)}</main></body></html>\n"
    )


def _what_it_is(manifest: Manifest) -> Iterator[str]:
    trained, parity, runtime = manifest.training, manifest.parity, manifest.runtime
    rows = {
        "Made": manifest.created_at,
        "Learned from": f"{trained.from_} to {trained.to}, {trained.rows:,} impressions",
        "Labels known until": trained.mature_at,
        "Split": trained.split,
        "Inputs": f"{len(manifest.input.features)} features of schema {manifest.input.schema_hash[:12]}",
        "Lake": f"snapshot {trained.lake_snapshot}",
        "Parity": f"{parity.rows:,} rows, largest difference {parity.max_diff:.1e}, "
        f"{parity.order_changes} order changes",
        "Runtime": f"onnxruntime {runtime.ort}, opset {runtime.opset}, {runtime.cpu}",
        "SHA-256": manifest.sha256,
    }
    yield _table([], [[name, words] for name, words in rows.items()])
    yield (
        "<p>One LightGBM model a head, exported to one ONNX graph; each head is the probability that the "
        "event follows within its window once an item is seen. An objective weighs the heads into an "
        "order.</p>"
    )


def _head(head: Head, report: HeadReport | None, gains: Mapping[str, float]) -> Iterator[str]:
    constant = head.constant or (report is not None and report.constant)
    yield f"<section><h2>{escape(head.name)}{' <small>constant</small>' if constant else ''}</h2>"
    a, b = head.calibration.a, head.calibration.b
    yield (
        f"<p>{head.positives:,} positives to learn from, within {head.window_s:g} s; "
        f"{head.negative_rate:.0%} of the negatives kept; calibration a {a:.3f}, b {b:.3f}.</p>"
    )
    if constant:
        yield "<p>Too few positives to learn from: it says the same of every item, and changes no order.</p>"
    if report is None or report.auc is None:
        yield "<p>Nothing was measured: too little was held out, or the event happened never or always.</p>"
    else:
        yield f"<p>{report.positives:,} of {report.impressions:,} impressions here.</p>"
        yield _orders(report)
        yield "<h3>Calibration</h3>" + calibration_plot(report.curve)
        yield "<h3>Slices, AUC</h3>" + interval_plot(_slices(report))
    shown = gain_plot(gains)
    if shown:
        yield f"<h3>Gain</h3>{shown}"
    yield "</section>"


def _orders(report: HeadReport) -> str:
    own = [
        "model",
        _words(report.auc),
        _words(report.ndcg10),
        _words(report.log_loss),
        _words(None if report.calibration is None else report.calibration.error),
        _words(None if report.calibration is None else report.calibration.ratio),
        "",
    ]
    rows = [own]
    for name, one in report.baselines.items():
        rows.append(
            [
                name,
                _words(one.auc),
                _words(one.ndcg10),
                _words(one.log_loss),
                _words(None if one.calibration is None else one.calibration.error),
                _words(None if one.calibration is None else one.calibration.ratio),
                _words(one.gain.auc, signed=True),
            ]
        )
    headings = [
        "",
        "AUC",
        "NDCG@10",
        "log loss",
        "calibration error",
        "predicted / happened",
        "model above, AUC",
    ]
    return _table(headings, rows)


def _slices(report: HeadReport) -> list[tuple[str, str, Estimate]]:
    parts: dict[str, SliceReport] = {
        "all": report,
        **{_SLICES[name]: one for name, one in report.slices.items()},
    }
    rows = []
    for words, part in parts.items():
        orders = {"model": part.auc, **{name: one.auc for name, one in part.baselines.items()}}
        for name, one in orders.items():
            if one is not None:
                rows.append((f"{words}: {name}", _STYLES.get(name, "baseline"), one))
    return rows


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in headings)
    body = "".join(
        f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(one)}</td>' for one in rest)}</tr>"
        for first, *rest in rows
    )
    return f'<div class="wide"><table>{f"<thead><tr>{head}</tr></thead>" if head else ""}{body}</table></div>'


def _words(one: Estimate | None, *, signed: bool = False) -> str:
    if one is None or one.value is None:
        return "-"
    form = "+.4f" if signed else ".4f"
    if one.lo is None or one.hi is None:
        return f"{one.value:{form}}"
    return f"{one.value:{form}} ({one.lo:{form}} to {one.hi:{form}})"
