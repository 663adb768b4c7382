"""A submission as it is handed in, before it lies anywhere."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Handed:
    """A submission: files and links by their place in its folder.

    `inside` are further files, of zips that cannot be opened plainly any more.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    pipes: tuple[str, ...] = ()
    inside: dict[str, bytes] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Put it into a new folder, as far as the file system takes its names."""
        folder.mkdir(parents=True)
        for name in self.folders:
            with contextlib.suppress(OSError):
                (folder / name).mkdir(parents=True)
        for name, data in self.files.items():
            with contextlib.suppress(OSError, ValueError):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
        for name, target in self.links.items():
            with contextlib.suppress(OSError, ValueError):
                (folder / name).symlink_to(target)
        for name in self.pipes:
            with contextlib.suppress(OSError, ValueError):
                os.mkfifo(folder / name)
