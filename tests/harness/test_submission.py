"""What students hand in, file by file: found as a fair human grader would, or a message that says what to do."""

from __future__ import annotations

import io
import json
import os
import random
import re
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import zipped

from autograder import submission as module_under_test
from autograder.submission import FoundFile, Problem, Submission, WantedFile, find_submission

GAN = """import torch
import torch.nn as nn

class DNet(nn.Module):
    pass

class GNet(nn.Module):
    pass

class GAN:
    pass
"""
VAE = """import argparse
class Encoder: pass
class Decoder: pass
class VAE: pass
def main(): pass
main()
"""
WANTED = (
    WantedFile("hw3_gan", "hw3_gan.py", ("DNet", "GNet", "GAN")),
    WantedFile("hw3_vae", "hw3_vae.py", ("Encoder", "Decoder", "VAE")),
)
JUST_GAN = WANTED[:1]


def notebook(*cells: str) -> str:
    """A notebook's JSON."""
    sources = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
    return json.dumps({"cells": sources, "metadata": {}, "nbformat": 4, "nbformat_minor": 2})


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files under `folder`, by relative path."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def gan(folder: Path, files: dict[str, str | bytes] | None = None) -> FoundFile:
    """The file found for hw3_gan; fails with the problem's message where there is none."""
    found = find_submission(fill(folder, files or {}), JUST_GAN).modules["hw3_gan"]
    assert isinstance(found, FoundFile), found
    return found


def problem(folder: Path, files: dict[str, str | bytes] | None = None) -> str:
    """The message for hw3_gan, checked for its form."""
    found = find_submission(fill(folder, files or {}), JUST_GAN).modules["hw3_gan"]
    assert isinstance(found, Problem), found
    assert 1 <= len(re.findall(r"[.](?= |$)", found.message)) <= 4
    assert found.message.endswith(".")
    assert len(found.message) < 600
    return found.message


# --- the ordinary case and names that nearly fit ----------------------------------------------------------------------


def test_both_files_by_their_names(tmp_path: Path) -> None:
    """The ordinary case: no notes, chunks with the file's name."""
    found = find_submission(fill(tmp_path, {"hw3_gan.py": GAN, "hw3_vae.py": VAE}), WANTED)
    assert list(found.modules) == ["hw3_gan", "hw3_vae"]
    file = found.modules["hw3_gan"]
    assert isinstance(file, FoundFile)
    assert (file.path, file.notes, [chunk.filename for chunk in file.chunks]) == ("hw3_gan.py", (), ["hw3_gan.py"])
    assert file.chunks[0].text == GAN


@pytest.mark.parametrize(
    "name",
    [
        "hw3-gan.py",
        "HW3_GAN.py",
        "hw3_gan.PY",
        "hw3 gan.py",
        "hw3gan.py",
        "hw3_gan (1).py",
        "hw3-gan(2).py",
        "hw3_gan copy.py",
        "hw3_gan copy 2.py",
        "hw3_gan - Copy.py",
        "hw3_gan - Copy (2).py",
        "Copy of hw3_gan.py",
        "hw3_gan-Copy1.py",
        "hw3_gan.py.txt",
        "netid/hw3/hw3_gan.py",
        "a/b/c/d/e/hw3-gan.py",
        "Homework 3/My Code/HW3-Gan (1).py",
    ],
)
def test_variants_of_the_name(tmp_path: Path, name: str) -> None:
    """Each is graded, with a note that says so."""
    file = gan(tmp_path, {name: GAN, "report.pdf": b"%PDF"})
    assert file.path == name
    assert len(file.notes) == 1
    assert file.notes[0].startswith(f"{name} was graded")


@pytest.mark.parametrize("name", ["my_solution.py", "gan.py", "main.py", "hw3_gan_jdoe2.py", "final.ipynb", "x/y.py"])
def test_a_wrong_name_with_the_right_content(tmp_path: Path, name: str) -> None:
    """A file that defines most of what is asked for is graded in place of the one that is missing."""
    content = notebook(GAN) if name.endswith(".ipynb") else GAN
    file = gan(tmp_path, {name: content, "hw3_utils.py": "def download(): pass", "notes.txt": "hi"})
    assert file.path == name
    assert file.notes == (f"{name} was graded in place of hw3_gan.py.",)


def test_most_of_the_names_are_enough_and_fewer_are_not(tmp_path: Path) -> None:
    """Two of three names suffice; one of three does not where the file's name says nothing."""
    two = gan(tmp_path / "a", {"x.py": "class DNet: pass\nclass GNet: pass\n", "y.py": "a = 1"})
    assert two.path == "x.py"
    message = problem(tmp_path / "b", {"x.py": "class DNet: pass\n", "y.py": "class GNet: pass\n"})
    assert "x.py" in message
    assert "y.py" in message


def test_names_in_text_do_not_count(tmp_path: Path) -> None:
    """Only definitions at the start of a line count."""
    problem(
        tmp_path, {"report.py": "# class DNet GNet GAN\ns = 'class DNet'\nx = '''  class GNet'''\n", "b.py": "y = 2"}
    )


def test_the_only_file_of_a_similar_name(tmp_path: Path) -> None:
    """A lone gan.py without any of the names is graded, so that the graders can say what is missing."""
    assert gan(tmp_path, {"gan.py": "class Dnett: pass"}).path == "gan.py"


def test_one_file_for_both_modules(tmp_path: Path) -> None:
    """A single notebook or script that defines everything is used twice."""
    for name, content in {"hw3.ipynb": notebook(GAN, VAE), "hw3.py": GAN + VAE, "hw3_vae.py": GAN + VAE}.items():
        found = find_submission(fill(tmp_path / name.replace(".", ""), {name: content}), WANTED)
        files = [file for file in found.modules.values() if isinstance(file, FoundFile)]
        assert [file.path for file in files] == [name, name]


def test_better_file_beats_the_shared_one(tmp_path: Path) -> None:
    """A file that nobody else claims comes first."""
    found = find_submission(fill(tmp_path, {"hw3_vae.py": GAN + VAE, "g.py": GAN}), WANTED)
    assert found.modules["hw3_gan"].path == "g.py"  # type: ignore[union-attr]


def test_single_file_as_the_submission(tmp_path: Path) -> None:
    """A path to a script, a notebook or a zip is a submission too."""
    fill(tmp_path, {"gan.py": GAN, "gan.ipynb": notebook(GAN), "all.zip": zipped({"hw3/hw3_gan.py": GAN})})
    for name, path in {"gan.py": "gan.py", "gan.ipynb": "gan.ipynb", "all.zip": "all.zip/hw3/hw3_gan.py"}.items():
        found = find_submission(tmp_path / name, JUST_GAN).modules["hw3_gan"]
        assert isinstance(found, FoundFile)
        assert found.path == path


# --- two candidates ---------------------------------------------------------------------------------------------------


def test_identical_files_are_one(tmp_path: Path) -> None:
    """The same content twice, but for line ends, is no question."""
    file = gan(tmp_path, {"a/hw3_gan.py": GAN, "b/hw3_gan.py": GAN.replace("\n", "\r\n")})
    assert file.path == "a/hw3_gan.py"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("hw3_gan.py", "hw3-gan.py"),
        ("hw3_gan.py", "hw3_gan (1).py"),
        ("hw3_gan.py", "old/hw3_gan.py"),
        ("deep/hw3_gan.py", "hw3_gan copy.py"),
        ("hw3-gan.py", "hw3_gan (1).py"),
        ("hw3_gan.py", "hw3_gan.ipynb"),
        ("deep/hw3-gan.py", "hw3_gan.ipynb"),
        ("hw3_gan.ipynb", "hw3_gan.py.txt"),
    ],
)
def test_the_better_name_wins_with_a_note(tmp_path: Path, better: str, worse: str) -> None:
    """Both define the names: the better one is graded, and the note names the other."""
    other = GAN + "\nx = 1\n"
    contents = {
        name: notebook(text) if name.endswith("ipynb") else text for name, text in ((better, GAN), (worse, other))
    }
    file = gan(tmp_path, dict(contents))
    assert file.path == better
    assert worse in file.notes[0]


def test_two_equal_candidates_are_a_question(tmp_path: Path) -> None:
    """Different contents, equally good names: a message that names both."""
    message = problem(tmp_path, {"a/hw3_gan.py": GAN, "b/hw3_gan.py": GAN + "x = 1", "c.py": GAN + "y = 1"})
    assert "a/hw3_gan.py and b/hw3_gan.py" in message
    assert "Keep one" in message


def test_the_one_that_defines_the_names_wins(tmp_path: Path) -> None:
    """An exact name without any of the names gives way to one that has them."""
    assert gan(tmp_path / "a", {"hw3_gan.py": "# see notebook", "hw3_gan.ipynb": notebook(GAN)}).path == "hw3_gan.ipynb"
    assert gan(tmp_path / "b", {"a/hw3_gan.py": "class DNet: pass", "b/hw3_gan.py": GAN}).path == "b/hw3_gan.py"


def test_an_unreadable_one_gives_way(tmp_path: Path) -> None:
    """An empty file of the right name, and the work under another one."""
    assert gan(tmp_path / "a", {"hw3_gan.py": "", "x/hw3_gan.py": GAN}).path == "x/hw3_gan.py"
    assert gan(tmp_path / "b", {"hw3_gan.py": b"\x00\x01", "final.py": GAN}).path == "final.py"


def test_folder_noise_is_ignored(tmp_path: Path) -> None:
    """macOS leftovers, checkpoints, environments and caches are no candidates."""
    noise = ["__MACOSX/._hw3_gan.py", "._hw3_gan.py", ".ipynb_checkpoints/hw3_gan-checkpoint.ipynb", ".git/hw3_gan.py"]
    noise += ["venv/hw3_gan.py", "__pycache__/hw3_gan.py", "env2/hw3_gan.py", "lib/site-packages/hw3_gan.py"]
    file = gan(tmp_path, {**dict.fromkeys(noise, "junk = 1"), "env2/pyvenv.cfg": "", "sub/hw3_gan.py": GAN})
    assert file.path == "sub/hw3_gan.py"
    assert "was not" not in file.notes[0]


# --- nothing to grade -------------------------------------------------------------------------------------------------


def test_no_file_at_all(tmp_path: Path) -> None:
    """An empty folder, and a folder that does not exist."""
    assert problem(tmp_path) == (
        "There is no hw3_gan.py in your submission. There is no file in it. Upload hw3_gan.py and submit again."
    )
    found = find_submission(tmp_path / "missing", JUST_GAN).modules["hw3_gan"]
    assert isinstance(found, Problem)


def test_message_lists_what_is_there_and_the_closest(tmp_path: Path) -> None:
    """What was found, and what to rename."""
    files = {f"data{i}.csv": "1" for i in range(8)} | {"hw2_gan.py": "x = 1", "hw3_vae.py": VAE, "readme.md": "hi"}
    message = problem(tmp_path, dict(files))
    assert "and 5 more" in message
    assert "If hw2_gan.py is meant, rename it to hw3_gan.py" in message


def test_only_the_other_file(tmp_path: Path) -> None:
    """One file is there, the other is not: the first is graded."""
    found = find_submission(fill(tmp_path, {"hw3_vae.py": VAE}), WANTED)
    assert isinstance(found.modules["hw3_vae"], FoundFile)
    missing = found.modules["hw3_gan"]
    assert isinstance(missing, Problem)
    assert "There is nothing else in it" in missing.message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\t\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (bytes(range(256)) * 40, "its bytes are no text"),
        (random.Random(1).randbytes(5000), "its bytes are no text"),
        (b"%PDF-1.7 \xff\xfe\x80 rest", "it looks like a PDF"),
        (b"PK\x03\x04\x14\x00\x00\x00", "it looks like a zip"),
        (b"\x89PNG\r\n\x1a\n\0\0", "it looks like a picture"),
        (b"x = 1\n\0\0\0\n", "its bytes are no text"),
    ],
)
def test_files_without_code(tmp_path: Path, content: bytes, says: str) -> None:
    """Empty files and junk get a message with the file's name."""
    message = problem(tmp_path, {"hw3_gan.py": content})
    assert "hw3_gan.py" in message
    assert says in message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("{", "damaged"),
        ("[]", "no cells"),
        (notebook(), "no code in its cells"),
        (notebook("", " \n"), "no code in its cells"),
        (b"\x00\x01\x02\xff", "is not a notebook"),
    ],
)
def test_notebooks_without_code(tmp_path: Path, content: str | bytes, says: str) -> None:
    """The same for notebooks."""
    assert says in problem(tmp_path, {"hw3_gan.ipynb": content})


def test_directory_and_pipe_of_that_name(tmp_path: Path) -> None:
    """A folder called hw3_gan.py is a folder; a pipe is never opened."""
    assert gan(tmp_path / "a", {"hw3_gan.py/code.py": GAN}).path == "hw3_gan.py/code.py"
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "b" / "hw3_gan.py")
    assert "not an ordinary file" in problem(tmp_path / "b")
    os.mkfifo(tmp_path / "b" / "other.zip")
    os.mkfifo(tmp_path / "b" / "pipe")
    assert gan(tmp_path / "b", {"final.py": GAN}).path == "final.py"


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions that forbid reading are said so (root may read all, so the refusal is made)."""
    fill(tmp_path, {"hw3_gan.py": GAN})

    def refuse(path: object, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module_under_test.os, "open", refuse)
    assert "could not be read: its permissions forbid it" in problem(tmp_path)


def test_unreadable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be listed is named."""
    fill(tmp_path, {"sub/hw3_gan.py": GAN})
    scan = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(module_under_test.os, "scandir", refuse)
    assert "sub" in problem(tmp_path)


# --- encodings and forms ----------------------------------------------------------------------------------------------

UNICODE = GAN + "s = 'σ é 猫'\n"


@pytest.mark.parametrize(
    ("data", "noted"),
    [
        (UNICODE.encode(), False),
        (b"\xef\xbb\xbf" + UNICODE.encode(), False),
        (UNICODE.encode("utf-16"), True),
        (UNICODE.encode("utf-16-le"), True),
        (UNICODE.encode("utf-16-be"), True),
        (UNICODE.encode("utf-32"), True),
        (("# -*- coding: gbk -*-\n" + UNICODE.replace("é", "")).encode("gbk"), False),
    ],
)
def test_encodings(tmp_path: Path, data: bytes, noted: bool) -> None:
    """UTF-8 with or without a mark, UTF-16 and 32, and a declared encoding are all read."""
    file = gan(tmp_path, {"hw3_gan.py": data})
    assert "σ" in file.chunks[0].text
    assert "猫" in file.chunks[0].text
    assert bool(file.notes) == noted
    assert file.chunks[0].text.startswith(("import", "# -*-"))


def test_latin_1(tmp_path: Path) -> None:
    """Declared, it is read silently; undeclared, with a note."""
    text = GAN + "name = 'José'\n"
    declared = gan(tmp_path / "a", {"hw3_gan.py": ("#!/usr/bin/python\n# coding=latin-1\n" + text).encode("latin-1")})
    assert "José" in declared.chunks[0].text
    assert declared.notes == ()
    silent = gan(tmp_path / "b", {"hw3_gan.py": text.encode("latin-1")})
    assert "José" in silent.chunks[0].text
    assert "not saved as UTF-8" in silent.notes[0]


@pytest.mark.parametrize(
    "name", ["rot13", "zlib", "hex", "punycode", "idna", "unicode_escape", "no-such-code", "undefined"]
)
def test_strange_declared_encodings_are_not_used(tmp_path: Path, name: str) -> None:
    """Only encodings of text count; the file is then read as UTF-8."""
    file = gan(tmp_path, {"hw3_gan.py": f"# coding: {name}\n{UNICODE}"})
    assert file.chunks[0].text.endswith(UNICODE)


def test_line_ends_and_tabs(tmp_path: Path) -> None:
    """CRLF and CR become newlines; tabs and form feeds stay."""
    file = gan(tmp_path, {"hw3_gan.py": b"import torch\r\nclass DNet:\r\tx = 1\r\n\x0c\r\nclass GNet: pass\r\n"})
    assert file.chunks[0].text == "import torch\nclass DNet:\n\tx = 1\n\x0c\nclass GNet: pass\n"


def test_notebook_for_a_script(tmp_path: Path) -> None:
    """Cells become chunks, named after the file."""
    file = gan(tmp_path, {"hw3_gan.ipynb": notebook("%matplotlib inline\nimport torch", GAN)})
    assert [chunk.filename for chunk in file.chunks] == ["hw3_gan.ipynb[cell 1]", "hw3_gan.ipynb[cell 2]"]
    assert file.chunks[0].text == "pass\nimport torch"
    assert file.notes == ("hw3_gan.ipynb was graded as hw3_gan.py.",)


def test_files_under_the_wrong_suffix(tmp_path: Path) -> None:
    """A notebook called .py and a script called .ipynb are read for what they are."""
    file = gan(tmp_path / "a", {"hw3_gan.py": notebook(GAN)})
    assert file.chunks[0].filename == "hw3_gan.py[cell 1]"
    file = gan(tmp_path / "b", {"hw3_gan.ipynb": GAN})
    assert file.chunks[0].text == GAN
    assert any("was read as one" in note for note in file.notes)


def test_magics_in_a_script(tmp_path: Path) -> None:
    """Lines that only a notebook understands cost nothing."""
    file = gan(tmp_path, {"hw3_gan.py": "%matplotlib inline\n!pip install torch\n" + GAN})
    assert file.chunks[0].text == "pass\npass\n" + GAN
    assert "left out" in file.notes[0]


# --- zips -------------------------------------------------------------------------------------------------------------


def test_zip_in_the_submission(tmp_path: Path) -> None:
    """Its files count as if it were a folder; noise in it is ignored."""
    data = zipped({"hw3/hw3_gan.py": GAN, "__MACOSX/hw3/._hw3_gan.py": b"\0\1", "hw3/": "", "hw3/data.csv": "1"})
    file = gan(tmp_path, {"hw3.zip": data})
    assert file.path == "hw3.zip/hw3/hw3_gan.py"
    assert file.chunks[0].text == GAN


def test_loose_file_beats_the_zip(tmp_path: Path) -> None:
    """The file beside the zip is nearer."""
    assert gan(tmp_path, {"hw3_gan.py": GAN, "a.zip": zipped({"hw3_gan.py": "class DNet: x = 1"})}).path == "hw3_gan.py"


def test_zip_within_a_zip_and_no_further(tmp_path: Path) -> None:
    """Two levels are opened; three are not."""
    inner = zipped({"hw3_gan.py": GAN})
    assert gan(tmp_path / "a", {"a.zip": zipped({"b.zip": inner})}).path == "a.zip/b.zip/hw3_gan.py"
    problem(tmp_path / "b", {"a.zip": zipped({"b.zip": zipped({"c.zip": inner})})})


@pytest.mark.parametrize(
    "name", ["../hw3_gan.py", "/hw3_gan.py", "a/../../hw3_gan.py", "..\\hw3_gan.py", "C:/hw3_gan.py", "a//hw3_gan.py"]
)
def test_paths_that_leave_the_zip_are_skipped(tmp_path: Path, name: str) -> None:
    """They are neither read nor written."""
    problem(tmp_path, {"a.zip": zipped({name: GAN})})
    assert list(tmp_path.parent.glob("hw3_gan.py")) == []


def test_link_in_a_zip_is_skipped(tmp_path: Path) -> None:
    """A link as a zip entry is no file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo("hw3_gan.py")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    problem(tmp_path, {"a.zip": stream.getvalue()})


def test_locked_zip(tmp_path: Path) -> None:
    """A password is recognised, and the message says so."""
    data = bytearray(zipped({"hw3_gan.py": GAN}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "locked with a password" in problem(tmp_path, {"a.zip": bytes(data)})


def test_damaged_zip(tmp_path: Path) -> None:
    """Cut off, overwritten or no zip at all: a message, or what can still be read."""
    data = zipped({"hw3_gan.py": GAN * 50})
    for index, broken in enumerate(
        [data[:-30], b"junk", b"", data[:40] + b"\xff" * 20 + data[60:], b"PK\x05\x06" + b"\0" * 18]
    ):
        assert "zip" in problem(tmp_path / str(index), {"a.zip": broken}) or index == 4


def test_unusual_compression(tmp_path: Path) -> None:
    """LZMA may ask for any amount of memory; it is not used by anything a student clicks on."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("hw3_gan.py", GAN)
    assert "unusual way" in problem(tmp_path, {"a.zip": stream.getvalue()})


def test_zip_bomb(tmp_path: Path) -> None:
    """A notebook of 90 MB of zeros in a small zip is not unpacked; one that is only large is."""
    bomb = zipped({"hw3_gan.ipynb": b"0" * 90_000_000})
    start = time.process_time()
    assert "far larger" in problem(tmp_path / "a", {"a.zip": bomb})
    assert time.process_time() - start < 1
    text = random.Random(2).randbytes(1_500_000).hex()
    assert gan(tmp_path / "b", {"a.zip": zipped({"hw3_gan.ipynb": notebook(GAN, f"# {text}")})})


def test_zip_that_lies_about_sizes(tmp_path: Path) -> None:
    """The declared size is not trusted: at most the limit is read."""
    data = bytearray(zipped({"hw3_gan.py": b"x = 1\n" * 1_000_000}))
    for at in (22, data.index(b"PK\x01\x02") + 24):
        data[at : at + 4] = (100).to_bytes(4, "little")
    find_submission(fill(tmp_path, {"a.zip": bytes(data)}), JUST_GAN)


def test_zip_with_a_huge_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits on a zip's entries bite, and a zip below them is read."""
    data = zipped({f"f{i}.txt": "" for i in range(100)} | {"hw3_gan.py": GAN})
    assert gan(tmp_path, {"a.zip": data})
    monkeypatch.setattr(module_under_test, "MAX_ZIP_DIRECTORY", 1000)
    assert "too many files" in problem(tmp_path)
    monkeypatch.setattr(module_under_test, "MAX_ZIP_DIRECTORY", 1_000_000)
    monkeypatch.setattr(module_under_test, "MAX_ZIP_ENTRIES", 50)
    assert "more than 50 files" in problem(tmp_path)
    monkeypatch.setattr(module_under_test, "MAX_ZIP_ENTRIES", 20_000)
    monkeypatch.setattr(module_under_test, "MAX_ZIP", 1000)
    assert "was not opened" in problem(tmp_path)


def test_many_zips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many zips are opened."""
    files: dict[str, str | bytes] = {f"a{i}.zip": zipped({"x.txt": "1"}) for i in range(5)}
    fill(tmp_path, {**files, "b.zip": zipped({"hw3_gan.py": GAN})})
    assert gan(tmp_path)
    monkeypatch.setattr(module_under_test, "MAX_ZIPS", 5)
    problem(tmp_path)


def test_other_archives(tmp_path: Path) -> None:
    """A rar file is not opened, and the message says what to do."""
    assert "use a zip" in problem(tmp_path, {"hw3.rar": b"Rar!\x1a\x07"})


# --- limits of folders, sizes and links -------------------------------------------------------------------------------


def test_large_scripts(tmp_path: Path) -> None:
    """50 MB is refused without being read; just below the limit is accepted."""
    (tmp_path / "a").mkdir()
    with (tmp_path / "a" / "hw3_gan.py").open("wb") as file:
        file.truncate(50_000_000)
    assert "50 MB large; the limit is 2 MB" in problem(tmp_path / "a")
    padding = "# " + "x" * (module_under_test.MAX_SCRIPT - len(GAN) - 3) + "\n"
    assert gan(tmp_path / "b", {"hw3_gan.py": GAN + padding})
    assert "limit is 2 MB" in problem(tmp_path / "c", {"hw3_gan.py": GAN + padding + "x"})


def test_large_notebooks(tmp_path: Path) -> None:
    """50 MB of output are fine; more than the limit is not."""
    output = {"output_type": "stream", "name": "stdout", "text": "a" * 50_000_000}
    cell = {"cell_type": "code", "source": GAN, "metadata": {}, "outputs": [output]}
    data = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 2})
    assert gan(tmp_path / "a", {"hw3_gan.ipynb": data})
    (tmp_path / "b").mkdir()
    with (tmp_path / "b" / "hw3_gan.ipynb").open("wb") as file:
        file.truncate(module_under_test.MAX_NOTEBOOK + 1)
    assert "the limit is 100 MB" in problem(tmp_path / "b")


def test_thousands_of_files(tmp_path: Path) -> None:
    """The walk is quick, and a file of the right name at the top is found whatever else there is."""
    for folder in range(10):
        (tmp_path / f"d{folder}").mkdir()
        for number in range(500):
            (tmp_path / f"d{folder}" / f"f{number}.txt").touch()
    (tmp_path / "d9" / "zz").mkdir()
    start = time.process_time()
    assert gan(tmp_path, {"d9/zz/hw3_gan.py": GAN})
    assert time.process_time() - start < 3


def test_bounded_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit files are not looked at, the message says so, and the file at the top is found all the same."""
    files: dict[str, str | bytes] = {f"f{i:03}.txt": "" for i in range(100)}
    fill(tmp_path, {**files, "zz/hw3_gan.py": GAN})
    assert gan(tmp_path)
    monkeypatch.setattr(module_under_test, "MAX_ENTRIES", 50)
    assert "more than 50 files" in problem(tmp_path)
    assert gan(tmp_path, {"hw3_gan.py": GAN})


def test_depth_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Very deep folders are left alone."""
    fill(tmp_path, {"/".join("abcdef") + "/hw3_gan.py": GAN})
    assert gan(tmp_path)
    monkeypatch.setattr(module_under_test, "MAX_DEPTH", 3)
    problem(tmp_path)


def test_many_candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many files are read in search of the names."""
    fill(tmp_path, {f"f{i:02}.py": "x = 1" for i in range(10)} | {"zz.py": GAN})
    assert gan(tmp_path).path == "zz.py"
    monkeypatch.setattr(module_under_test, "MAX_CANDIDATES", 5)
    problem(tmp_path)
    monkeypatch.setattr(module_under_test, "MAX_CANDIDATES", 60)
    monkeypatch.setattr(module_under_test, "MAX_SEARCHED", 20)
    problem(tmp_path)


def test_links_that_leave_the_submission(tmp_path: Path) -> None:
    """They are not followed; links inside are."""
    fill(tmp_path, {"outside/hw3_gan.py": GAN, "in/real.py": GAN, "out/x.txt": ""})
    (tmp_path / "out" / "hw3_gan.py").symlink_to(tmp_path / "outside" / "hw3_gan.py")
    (tmp_path / "out" / "folder").symlink_to(tmp_path / "outside")
    (tmp_path / "out" / "loop").symlink_to(tmp_path / "out" / "loop")
    (tmp_path / "out" / "gone.py").symlink_to(tmp_path / "nothing")
    assert "link to something outside" in problem(tmp_path / "out")
    (tmp_path / "in" / "hw3_gan.py").symlink_to("real.py")
    assert gan(tmp_path / "in").path == "hw3_gan.py"


def test_odd_file_names(tmp_path: Path) -> None:
    """Control characters and broken encodings in names are shown as question marks."""
    fill(tmp_path, {"a\nb\x1b[31m.py": GAN})
    assert gan(tmp_path).path == "a?b?[31m.py"
    with open(os.fsencode(tmp_path) + b"/\xff\xfe.txt", "wb"):
        pass
    (tmp_path / "a\nb\x1b[31m.py").unlink()
    assert "??.txt" in problem(tmp_path)


# --- everything else --------------------------------------------------------------------------------------------------


def test_extras_beside_the_files(tmp_path: Path) -> None:
    """Scripts that the student's files may import come along, by name; others do not."""
    files = {
        "code/hw3_gan.py": GAN,
        "code/layers.py": "x = 1",
        "code/hw3_gan (1).py": GAN,
        "code/not-a-name.py": "x = 1",
    }
    files |= {"other/tools.py": "x = 1", "code/empty.py": ""}
    found = find_submission(fill(tmp_path, dict(files)), JUST_GAN)
    assert {name: file.path for name, file in found.extras.items()} == {"layers": "code/layers.py"}


def test_extras_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many come along."""
    monkeypatch.setattr(module_under_test, "MAX_EXTRAS", 3)
    found = find_submission(fill(tmp_path, {"hw3_gan.py": GAN} | {f"m{i}.py": "x = 1" for i in range(9)}), JUST_GAN)
    assert list(found.extras) == ["m0", "m1", "m2"]


def test_trusted_side_imports_neither_torch_nor_nbformat(tmp_path: Path) -> None:
    """An ordinary submission is found with the standard library alone, and student's code is not parsed."""
    fill(tmp_path, {"hw3_gan.py": GAN + "x = (", "hw3_vae.ipynb": notebook(VAE)})
    code = (
        "import sys, pathlib, ast, builtins\n"
        "from autograder.submission import *\n"
        "def no(*a, **k): raise AssertionError('parsed')\n"
        "ast.parse = builtins.compile = builtins.exec = builtins.eval = no\n"
        "import re; re.purge()\n"
        f"f = find_submission(pathlib.Path({str(tmp_path)!r}), [WantedFile('hw3_gan', 'hw3_gan.py', ('DNet',)),"
        " WantedFile('hw3_vae', 'hw3_vae.py', ('VAE',))])\n"
        "assert [m.path for m in f.modules.values()] == ['hw3_gan.py', 'hw3_vae.ipynb'], f\n"
        "print({'torch', 'nbformat', 'numpy', 'jsonschema'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "set()"


def test_hostile_text_takes_linear_time(tmp_path: Path) -> None:
    """Two megabytes of what the patterns look for."""
    start = time.process_time()
    for index, piece in enumerate(
        ["class ", "import a,", " ", "\t\n", "from a ", "#coding:", "'" * 3, "%a ", "import " * 3]
    ):
        text = piece * (1_990_000 // len(piece))
        find_submission(fill(tmp_path / str(index), {"hw3_gan.py": "x = 1\n" + text}), WANTED)
    assert time.process_time() - start < 20


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"", b"PK\x03\x04", b"\xff\xfe", b"{", b'{"cells": [', b"# coding: utf-7\n", b"\xef\xbb\xbf", b"PK\x05\x06"]
    ),
    st.sampled_from(["hw3_gan.py", "hw3_gan.ipynb", "a.zip", "hw3-gan.py.txt", "x.py", "hw3_gan.pyw"]),
)
def test_random_bytes_never_raise(tmp_path: Path, data: bytes, start: bytes, name: str) -> None:
    """Any bytes under any name give a file or a message."""
    folder = tmp_path / "one"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    found = find_submission(fill(folder, {name: start + data}), WANTED)
    check(found)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_zips_never_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A zip with any few bytes changed gives a file or a message."""
    content = bytearray(zipped({"hw3_gan.py": GAN, "b/hw3_vae.ipynb": notebook(VAE), "c.zip": zipped({"x.py": VAE})}))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("zip")
    check(find_submission(fill(folder, {"hw3.zip": bytes(content)}), WANTED))


def check(found: Submission) -> None:
    """Every module has a file with text, or a message."""
    assert list(found.modules) == ["hw3_gan", "hw3_vae"]
    for file in found.modules.values():
        if isinstance(file, FoundFile):
            assert all(chunk.text.encode() is not None for chunk in file.chunks)
        else:
            assert file.message.endswith(".")
