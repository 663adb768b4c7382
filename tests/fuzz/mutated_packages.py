"""Zips, folders and file names as they should not be."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
import zlib
from random import Random

from handed import Handed
from mutated_text import a_script, mutated_bytes
from submission_seeds import notebook_bytes, notebook_of

NAME = "tiny_energy.py"
BOMB_MB = 8
_NAMES = """
tiny-energy.py|Tiny_Energy.PY|tiny_energy (1).py|Copy of tiny_energy.py|tiny energy.py|tiny_energy.py |tiny_energy
tiny_energy.ipynb|tiny_energy.py.txt|tiny_energy.pyw|tiny_energy.pyc|tiny_energy.py~|tiny_energy.zip|tiny_energy.py.zip
x/tiny_energy.py|a/b/c/tiny_energy.py|__MACOSX/._tiny_energy.py|.tiny_energy.py|.ipynb_checkpoints/tiny_energy.py
hw.py|solution.py|energy.py|con.py|aux.py|nul|-rf|a.rar|b.tar.gz|(1)(1)(1) copy.py|tiny_energy/__init__.py
<script>.py|{{7*7}}.py|`ls`.py|$HOME.py|%s%n.py
tiny_utils.py|torch.py|autograder.py|conftest.py|sitecustomize.py|test_tiny.py
"""
NAMES = (
    *_NAMES.strip().replace("\n", "|").split("|"),
    *("\u202eyp.ygrene_ynit", "tiny\nenergy.py", "tiny\x1b[31m_energy.py", "tiny_energy.py\u200b"),
    *("tiny_energy\udcff.py", "é" * 100 + ".py", "x" * 240 + ".py", "_" * 230 + ".py"),
)
_ZIP_NAMES = r"""
/etc/passwd|../tiny_energy.py|../../x/tiny_energy.py|..\tiny_energy.py|C:\tiny_energy.py|C:/tiny_energy.py
//tiny_energy.py|./tiny_energy.py|a/../tiny_energy.py|tiny_energy.py/|/|a//b.py|.|..|...
"""
ZIP_NAMES = (
    *_ZIP_NAMES.strip().replace("\n", "|").split("|"),
    *("", "x" * 60_000 + ".py", "_" * 60_000, "a/" * 40 + NAME, "tiny_energy.py\0.txt", "tiny\0energy.py"),
)
_LINK_TARGETS = ["/dev/zero", "/dev/stdin", "/etc/passwd", "..", ".", NAME, "nowhere", "/proc/self/mem", "x/" * 100]


def random_bytes(rng: Random) -> Handed:
    """Files of any bytes, or of good bytes and then any."""
    name = rng.choice([NAME, NAME, "tiny_energy.ipynb", "tiny_energy.zip", "x.zip", "tiny_energy"])
    good = a_script(rng).encode() if name.endswith("y") else _good_bytes(rng, name)
    start = rng.choice(
        [b"", b"", good, good[: rng.randrange(len(good) + 1)], b"PK\x03\x04", b"{", b"\xff\xfe", b"\x00\x00\xfe\xff"]
    )
    return Handed({name: start + rng.randbytes(rng.randrange(600))})


def zips(rng: Random) -> Handed:
    """A zip whose entries or bytes are not as they should be."""
    inside = {NAME: a_script(rng).encode()} if rng.random() < 0.8 else {"tiny_energy.ipynb": _good_bytes(rng, ".ipynb")}
    data = _odd_zip(rng, inside)
    if rng.random() < 0.4:
        data = mutated_bytes(rng, data)
    if rng.random() < 0.2:
        data = zip_of({"inner.zip": data, "readme.txt": b"x"})
    files = {rng.choice(["tiny_energy.zip", "x.ZIP", "hand-in (2).zip", NAME, "a/b.zip"]): data}
    if rng.random() < 0.2:
        files[NAME] = a_script(rng).encode()
    return Handed(files, inside=inside)


def names_and_folders(rng: Random) -> Handed:
    """Several files under names that are odd, in folders, beside links, pipes and other things."""
    handed = Handed()
    for _ in range(rng.randrange(1, 5)):
        name = rng.choice(NAMES) if rng.random() < 0.8 else NAME
        handed.files[name] = (
            _good_bytes(rng, name) if rng.random() < 0.7 else rng.choice([b"", b"\n", b"\0", b"x" * 2_100_000])
        )
    if rng.random() < 0.4:
        handed.links[rng.choice([NAME, "link.py", "link.ipynb", "folder"])] = rng.choice(_LINK_TARGETS)
    if rng.random() < 0.2:
        handed.folders = (rng.choice([NAME, "tiny_energy.zip", "a/" * 30 + "b", "tiny_energy.ipynb"]),)
    if rng.random() < 0.2:
        handed.pipes = (rng.choice([NAME, "pipe.py", "tiny_energy.zip"]),)
    return handed


def zip_of(files: dict[str, bytes]) -> bytes:
    """A good zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _odd_zip(rng: Random, inside: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of two entries with one name
        for name, data in inside.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        for _ in range(rng.randrange(3)):
            entry = zipfile.ZipInfo("x")
            entry.filename = rng.choice([*NAMES, *ZIP_NAMES]).encode("utf-8", "replace").decode()
            entry.compress_type = rng.choice(
                [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
            )
            kind = rng.choice([0, 0o100644, 0o120777, 0o040755, 0o060666, 0o010644])
            entry.external_attr = kind << 16
            archive.writestr(entry, rng.choice([a_script(rng).encode(), b"", b"/etc/passwd", rng.randbytes(50)]))
        if rng.random() < 0.15:
            name = rng.choice([NAME, "tiny_energy.ipynb", "bomb.py", "bomb.zip"])
            archive.writestr(zipfile.ZipInfo(name), bytes(BOMB_MB * 2**20), zipfile.ZIP_DEFLATED)
    data = stream.getvalue()
    step = rng.randrange(8)
    if step == 0:
        data = _with_flag(data, rng.choice([1, 8, 0x40, 0x2000, 0xFFFF]))
    elif step == 1:
        data = _with_sum(data, zlib.crc32(rng.randbytes(4)))
    elif step == 2:
        data = rng.randbytes(rng.randrange(50)) + data
    elif step == 3:
        data += rng.choice([data, rng.randbytes(30), b"PK\x05\x06" + bytes(18)])
    elif step == 4:
        end = data.rfind(b"PK\x05\x06")
        counts = struct.pack(
            "<HHII", *(rng.choice([0, 1, 0xFFFF]) for _ in range(2)), *(rng.randrange(2**32) for _ in range(2))
        )
        data = data[: end + 8] + counts + data[end + 20 :]
    return data


def _with_flag(data: bytes, flag: int) -> bytes:
    changed = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for match in re.finditer(re.escape(mark), data):
            changed[match.start() + at : match.start() + at + 2] = struct.pack("<H", flag)[:2]
    return bytes(changed[: len(data)])


def _with_sum(data: bytes, crc: int) -> bytes:
    changed = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        for match in re.finditer(re.escape(mark), data):
            changed[match.start() + at : match.start() + at + 4] = struct.pack("<I", crc)
    return bytes(changed[: len(data)])


def _good_bytes(rng: Random, name: str) -> bytes:
    script = a_script(rng)
    if ".ipynb" in name:
        return notebook_bytes(notebook_of(script))
    if ".zip" in name:
        return zip_of({NAME: script.encode()})
    return script.encode()
