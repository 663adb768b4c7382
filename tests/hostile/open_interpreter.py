"""Run a command where other users can read the interpreter, as another user if wanted. Root alone, Linux alone.

    python open_interpreter.py UID COMMAND ...

Where a folder above the interpreter or the project is closed to others (Python below a home of mode 0700, say), nobody
but root could run it. The machine stays as it is: this process gets mounts of its own, in which an open, empty folder
covers the closed one, and only what is needed is mounted back inside. They go when the command ends.

UID 0 stays root. The exit status is the command's own, or 77 where the system does not permit this; a line says why.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

NOT_PERMITTED = 77
_NEW_MOUNTS = 0x00020000
_BIND, _RECURSIVE, _PRIVATE = 1 << 12, 1 << 14, 1 << 18


def closed_folders(needed: Iterable[Path]) -> dict[Path, list[Path]]:
    """The outermost folders that others cannot pass through, each with what is needed from below it."""
    closed: dict[Path, list[Path]] = {}
    for path in needed:
        place = next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), None)
        if place is not None:
            closed.setdefault(place, []).append(path)
    return closed


def needed_paths() -> list[Path]:
    """What the interpreter and the project are read from, without links."""
    project = Path(__file__).resolve().parents[2]
    named = (sys.prefix, sys.base_prefix, sys.exec_prefix, project)
    through = [Path(sys.executable).absolute()]  # each link on the way has a folder as well
    while through[-1].is_symlink():
        through.append(Path(os.path.normpath(through[-1].parent / through[-1].readlink())))
    return sorted({*(Path(name).resolve() for name in named), *(path.parent.parent.resolve() for path in through)})


def open_folders(closed: dict[Path, list[Path]]) -> None:
    """Cover the closed folders for this process alone.

    Raises:
        OSError: where the system does not permit it.
    """
    if not closed:
        return
    _check(_libc().unshare(_NEW_MOUNTS), "mounts of its own")
    _mount("none", "/", "", _RECURSIVE | _PRIVATE)
    for folder, paths in closed.items():
        kept = {path: os.open(path, os.O_PATH) for path in paths}
        _mount("open", str(folder), "tmpfs", 0, "mode=0755,size=1m")
        for path, descriptor in kept.items():
            path.mkdir(parents=True, exist_ok=True)
            _mount(f"/proc/self/fd/{descriptor}", str(path), "", _BIND | _RECURSIVE)
            os.close(descriptor)


def become(user: int) -> None:
    """Become an ordinary user of no group but its own."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def main() -> None:
    user, command = int(sys.argv[1]), sys.argv[2:]
    try:
        open_folders(closed_folders(needed_paths()))
        if user:
            become(user)
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_PERMITTED)
    os.execv(command[0], command)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    result = _libc().mount(source.encode(), target.encode(), kind.encode(), flags, options.encode() or None)
    _check(result, f"a mount on {target}")


def _check(result: int, what: str) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, f"{what} is not permitted: {os.strerror(error)}")


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount.argtypes = (*(ctypes.c_char_p,) * 3, ctypes.c_ulong, ctypes.c_char_p)
    return libc


if __name__ == "__main__":
    main()
