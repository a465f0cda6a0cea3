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
from training.evaluation import Evaluation, HeadReport
from training.head_page import head_report
from training.page import document, note, paragraph, table
from training.plots import gain_plot

GAIN_FILE = "gain.json"

Gains = Mapping[str, Mapping[str, float]]
"""Total gain of the splits, by head and feature; nothing for a constant head."""
_decoder = msgspec.json.Decoder(dict[str, dict[str, float]])


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
        return _decoder.decode((bundle / GAIN_FILE).read_bytes())
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
    body = [*_what_it_is(manifest), paragraph(f"Measured on {where}."), *map(note, notes)]
    for head in manifest.heads:
        body += _head(head, reports.get(head.name), gains.get(head.name, {}))
    return document(label, body)


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
    yield table([], rows.items(), broken=True)
    yield paragraph(
        "One LightGBM model a head, exported to one ONNX graph; each head is the probability that the "
        "event follows within its window once an item is seen. An objective weighs the heads into an "
        "order."
    )


def _head(head: Head, report: HeadReport | None, gains: Mapping[str, float]) -> Iterator[str]:
    constant = head.constant or (report is not None and report.constant)
    yield f"<section><h2>{escape(head.name)}{' <small>constant</small>' if constant else ''}</h2>"
    a, b = head.calibration.a, head.calibration.b
    yield paragraph(
        f"{head.positives:,} positives to learn from, within {head.window_s:g} s; "
        f"{head.negative_rate:.0%} of the negatives kept; calibration a {a:.3f}, b {b:.3f}."
    )
    if constant:
        yield paragraph(
            "Too few positives to learn from: it says the same of every item, and changes no order."
        )
    yield from head_report(report)
    shown = gain_plot(gains)
    if shown:
        yield f"<h3>Gain</h3>{shown}"
    yield "</section>"
