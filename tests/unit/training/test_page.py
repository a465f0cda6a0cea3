"""Pages: escaped, balanced, of nothing but themselves; plots have titles."""

from __future__ import annotations

from tests.pages import parsed
from training.page import document, figure, paragraph, section, table, tiles
from training.plots import interval_plot, share_plot
from training.resampling import Estimate, interval


def test_a_page_is_whole_and_escaped() -> None:
    parts = [
        paragraph("<i>no</i>, but `rankfeed up <HOME>`"),
        table(("", "<td>"), [["<tr>", "&"]]),
        tiles([("<b>", "<u>")]),
        figure(share_plot({"<g>": 0.5}, "Shares"), "<caption>"),
    ]
    html = document("<title>", [section("a", "<h9>", parts)], {"a": "A & B"})
    found = parsed(html)
    assert {"i", "b", "u", "g", "h9", "caption"}.isdisjoint(found.seen)
    assert "<code>rankfeed up &lt;HOME&gt;</code>" in html
    assert found.links == ["#a"]
    assert "default-src 'none'" in html
    assert "<title>Shares</title>" in html


def test_what_was_not_plotted_has_no_caption() -> None:
    assert figure("", "of nothing") == ""
    assert share_plot({}, "Shares") == share_plot({"a": 0.0}, "Shares") == ""


def test_intervals_in_words_and_beside_a_mark() -> None:
    assert interval(None) == interval(Estimate(None, None, None)) == "-"
    assert interval(Estimate(-0.0001, None, None), digits=2) == "0.00"
    assert interval(Estimate(0.5, 0.25, 0.75), digits=2, signed=True) == "+0.50 (+0.25 to +0.75)"
    plot = interval_plot([("a", "model", Estimate(0.5, 0.25, 0.75))], "Gains", digits=2, mark=0.0)
    assert 'class="ideal"' in plot
    assert "a: 0.50 (0.25 to 0.75)" in plot
