"""A disk that is full when a test says so, and has room again when it says so.

A tmpfs of a few megabytes in a mount namespace of our own, which a plain user of Linux may make where
the kernel lets him. Where it does not, a limit to the size of files stands in: what is written beyond
it fails as well, only with another number. Programs run under `command()`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
_ROOM_KB = 1024 * 1024
_LIMIT_BYTES = 64 * 1024
_MS_REMOUNT = 32


class SmallDisk(Protocol):
    def fill(self, pids: Iterable[int]) -> None:
        """From now on nothing can be added by these processes, at the least."""
        ...

    def free(self, pids: Iterable[int]) -> None: ...


class Tmpfs:
    """Mounted at a directory; for a process in a namespace of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._libc = ctypes.CDLL(None, use_errno=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_ROOM_KB}k", "tmpfs", directory], check=True)

    def fill(self, pids: Iterable[int]) -> None:
        """Shrinks it to what is in it; nothing has to be written for that."""
        while True:
            state = os.statvfs(self._directory)
            used_kb = (state.f_blocks - state.f_bfree) * state.f_frsize // 1024
            try:
                return self._resize(used_kb)
            except OSError:
                # Somebody was quicker and wrote something more.
                continue

    def free(self, pids: Iterable[int]) -> None:
        self._resize(_ROOM_KB)

    def _resize(self, size_kb: int) -> None:
        # Not by the command, which repeats what it finds as options: a user's own number has no meaning here.
        target, options = os.fsencode(self._directory), b"size=%dk" % size_kb
        if self._libc.mount(b"tmpfs", target, b"tmpfs", _MS_REMOUNT, options):
            raise OSError(ctypes.get_errno(), "the disk cannot be made smaller or larger")


class FileSizeLimit:
    """What stands in for a disk where no file system may be mounted."""

    def fill(self, pids: Iterable[int]) -> None:
        self._limit(pids, _LIMIT_BYTES)

    def free(self, pids: Iterable[int]) -> None:
        self._limit(pids, resource.RLIM_INFINITY)

    def _limit(self, pids: Iterable[int], size: int) -> None:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def command(module: str, directory: Path) -> list[str]:
    """How `python -m module directory kind` is started, so that `small_disk` works in it."""
    python = (sys.executable, "-m", module, str(directory))
    if shutil.which(_NAMESPACE[0]) is not None:
        mount = ("sh", "-c", 'mount -t tmpfs tmpfs "$0"', str(directory))
        if subprocess.run([*_NAMESPACE, *mount], capture_output=True, check=False).returncode == 0:
            return [*_NAMESPACE, *python, "tmpfs"]
    return [*python, "limit"]


def small_disk(directory: Path, kind: str) -> SmallDisk:
    return Tmpfs(directory) if kind == "tmpfs" else FileSizeLimit()
