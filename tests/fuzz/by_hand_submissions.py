"""The points that a submission earns by hand: every file that could be meant is read plainly, and its program runs."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Program = list[str]
WORKER = Path(__file__).resolve().parent / "by_hand_worker.py"
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1")
MAX_FILE = 20_000_000
TIMES = 3
_DECLARED = re.compile(rb"coding[:=][ \t]*([-\w.]+)")
_ONLY_IN_NOTEBOOKS = re.compile(
    r"^(\s*)(?:[%!?].*|[\w.*]+\?+\s*|(?:pip3?|conda|mamba)\s+(?:un)?install\b.*|(?:cd|ls)\s+[\w./~][\w./~*-]*\s*)$"
)
_TIMED = re.compile(r"^(\s*)%(?:time|prun)\s+(?!-)(.*)$")
_CAPTURED = re.compile(r"^([\w., \t]+)=\s*[!%].*$")


class ByHand:
    """A process that grades by hand. To be closed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="by-hand-", ignore_cleanup_errors=True)
        self._worker = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._folder.name,
        )

    def points(self, files: Iterable[tuple[str, bytes]]) -> dict[str, float]:
        """The most points that any of these files, each with its name, earns, by grader."""
        programs = [program for name, data in files for program in programs_of(name, data)]
        return self.points_of(programs)

    def points_of(self, programs: list[Program]) -> dict[str, float]:
        """The most points that any of these programs earns, by grader."""
        worker = self._worker
        assert worker.stdin is not None
        assert worker.stdout is not None
        unique = list({json.dumps(program): program for program in programs}.values())
        worker.stdin.write(json.dumps(unique) + "\n")
        worker.stdin.flush()
        points: dict[str, float] = json.loads(worker.stdout.readline())
        return points

    def close(self) -> None:
        """End the process."""
        assert self._worker.stdin is not None
        self._worker.stdin.close()
        self._worker.wait(timeout=60)
        self._folder.cleanup()


def programs_of(name: str, data: bytes, depth: int = 0) -> Iterator[Program]:
    """Every program that someone could see in a file."""
    if data[:2] == b"PK" or name.lower().endswith(".zip"):
        if depth < 3:
            for inner, inside in _unzipped(data):
                yield from programs_of(inner, inside, depth + 1)
        return
    for text in _texts(data):
        if '"cell_type"' in text:
            cells = _cells(text)
            yield cells
            plain = [_without_magics(cell) for cell in cells]
            yield plain
            yield TIMES * plain  # who runs all cells again has names from below
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        yield [text]
        yield [_without_magics(text)]


def _unzipped(data: bytes) -> Iterator[tuple[str, bytes]]:
    with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            with contextlib.suppress(Exception), archive.open(entry) as file:
                yield entry.filename, file.read(MAX_FILE)


def _texts(data: bytes) -> list[str]:
    declared = [found.decode() for found in _DECLARED.findall(data[:1000])]
    texts = []
    for encoding in (*declared, *ENCODINGS):
        with contextlib.suppress(UnicodeError, LookupError):
            text = data.decode(encoding).removeprefix("\ufeff").encode("utf-8", "replace").decode()
            texts.append(text)
    return list(dict.fromkeys(texts))


def _cells(text: str) -> Program:
    try:
        left: list[Any] = [json.loads(text, strict=False)]
    except (ValueError, RecursionError):
        left = list(_whole_objects(text))
    cells = []
    while left:
        node = left.pop(0)
        if isinstance(node, dict):
            source = node.get("source", node.get("input"))
            if node.get("cell_type") == "code" and source is not None:
                pieces = source if isinstance(source, list) else [source]
                cells.append("".join(piece for piece in pieces if isinstance(piece, str)))
            left += node.values()
        elif isinstance(node, list):
            left += node
    return [cell.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n") for cell in cells]


def _whole_objects(text: str) -> Iterator[Any]:
    """Every object that can be read in a damaged text, as one would cut it out by hand."""
    decoder = json.JSONDecoder(strict=False)
    at = text.find("{")
    while at >= 0:
        end = at + 1
        with contextlib.suppress(ValueError, RecursionError):
            found, end = decoder.raw_decode(text, at)
            yield found
        at = text.find("{", end)


def _without_magics(text: str) -> str:
    lines = []
    for line in text.split("\n"):
        timed, captured = _TIMED.match(line), _CAPTURED.match(line)
        if timed:
            lines.append(timed.group(1) + timed.group(2))
        elif captured:
            lines.append(captured.group(1) + "= None")
        else:
            lines.append(_ONLY_IN_NOTEBOOKS.sub(r"\1pass", line))
    return "\n".join(lines)
