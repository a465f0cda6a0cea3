"""Log lines are JSON, whatever is said in them."""

from __future__ import annotations

import json

import pytest

from wiring.process import log_line


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("plain", "plain"),
        ('quoted " \\ \n', 'quoted " \\ \n'),
        ("ü 🙂", "ü 🙂"),
        ("half a character \ud83d", "half a character \ud83d"),
        (1.5, 1.5),
        (None, None),
        ({"a": [1, (2,)]}, {"a": [1, [2]]}),
        (ValueError("wrong"), "ValueError('wrong')"),
        (2**80, 2**80),
    ],
)
def test_a_line_says_what_was_said(said: object, written: object) -> None:
    line = log_line({"event": "e", "said": said}, default=repr)
    assert "\n" not in line
    assert json.loads(line) == {"event": "e", "said": written}
