"""A directory that comes to be whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigurationError


@contextmanager
def whole_directory(directory: Path) -> Iterator[Path]:
    """What is written into the path that it gives becomes `directory` at the end; an error leaves nothing.

    What a run that was stopped left beside it is removed. Raises ConfigurationError where `directory`
    holds something already.
    """
    if directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        raise ConfigurationError(
            f"{directory} holds something already; name a directory that is new or empty."
        )
    half = directory.with_name(f"{directory.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        yield half
        os.replace(half, directory)
    finally:
        shutil.rmtree(half, ignore_errors=True)
