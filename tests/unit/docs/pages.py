"""The documents, taken apart: what is typed in them, what they name, and where they point."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
"""What users read. Decisions and the changelog tell of their day, and are not looked up."""

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")
_RANKFEED = re.compile(r"(?:\$ )?(?:RANKFEED_\w+=\S+ )*(?:\.venv/bin/)?rankfeed (.+)")


@dataclass(frozen=True, slots=True)
class Command:
    """`rankfeed WORDS`, as it stands on a page to be typed."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: rankfeed {' '.join(self.words)}"


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks in one of these languages, in their order."""
    return [block for language, block in _FENCED.findall(text) if language in languages]


def inline(text: str) -> list[str]:
    """What stands between backticks outside of blocks, on one line or over its end."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", _FENCED.sub("", text))]


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, heading
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.M)[0]


def shell_lines(text: str) -> list[str]:
    """The lines of its shell blocks: continued ones in one, comments and blank ones left out."""
    typed = "".join(blocks(text, "", "sh")).replace("\\\n", " ")
    return [line.strip() for line in typed.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def commands(page: Path) -> list[Command]:
    """Every `rankfeed …` of its shell blocks, also inside of `$(…)`; what that comes to is taken to be 1."""
    found = []
    for line in shell_lines(page.read_text()):
        pending = line
        while inner := _SUBSTITUTION.search(pending):
            found += _commands(named(page), inner[1])
            pending = pending[: inner.start()] + "1" + pending[inner.end() :]
        found += _commands(named(page), pending)
    return found


def _commands(page: str, line: str) -> list[Command]:
    found = []
    for part in re.split(r"\s(?:\||&&|;)\s", line):
        if (typed := _RANKFEED.fullmatch(part.strip())) is not None:
            words = shlex.split(re.sub(r"\s[>&].*", "", typed[1]), comments=True)
            found.append(Command(page, tuple(words)))
    return found


def anchors(page: Path) -> set[str]:
    """Those of its headings, as GitHub makes them: lower case, without marks, hyphens for blanks."""
    text = _FENCED.sub("", page.read_text())
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """The targets of its links and images."""
    return re.findall(r"\]\(([^()\s]+)\)", _FENCED.sub("", page.read_text()))
