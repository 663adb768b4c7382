"""What is kept of a class: whatever ends a process, nothing is lost, and what is damaged is told."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograder.errors import UserError
from autograder.feedback import Feedback, GraderResult
from autograder.pictures import Picture, encode_png
from autograder.regrade.store import LOCK, Store, Written, decode_verdict, encode_verdict

KEYS = {"first": b"key 1", "second": b"key 2"}
PICTURE = Picture("A digit", encode_png(np.zeros((4, 4), np.uint8)))


def a_row(headline: str = "No.", **fields: object) -> bytes:
    feedback = Feedback("failed", headline, pictures=(PICTURE,), staff=("for staff",), notes=("a note",))
    more: dict[str, object] = {"seconds": 1.5, "extra": {"shows": ["x"], "peak_mb": 12}, "credit": 1 / 3, **fields}
    return encode_verdict(GraderResult("first", "1.a", "t", 1.0, 3.0, "visible", (), feedback, **more))  # type: ignore[arg-type]


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    with Store(tmp_path / "kept.sqlite") as store:
        store.add(b"someone", [("first", b"key 1", a_row()), ("second", b"an old key", a_row())])
    with Store(tmp_path / "kept.sqlite") as store:
        assert store.known(KEYS) == {b"someone": {"first"}}
        (verdict,) = store.verdicts(b"someone", KEYS).values()
    assert verdict.credit == 1 / 3
    assert verdict.feedback == Feedback("failed", "No.", pictures=(PICTURE,), staff=("for staff",), notes=("a note",))
    assert (verdict.seconds, verdict.extra) == (1.5, {"shows": ["x"], "peak_mb": 12})


def test_text_that_is_no_unicode_is_kept_as_text() -> None:
    verdict = decode_verdict(a_row("a\ud800b", extra={"\ud801": ["\ud802", None, 1.5]}))
    assert verdict.feedback.headline == "a?b"
    assert verdict.feedback.pictures == (PICTURE,)
    assert verdict.extra == {"?": ["?", None, 1.5]}


def test_a_newer_verdict_takes_the_place(tmp_path: Path) -> None:
    with Store(tmp_path / "kept.sqlite") as store:
        store.add(b"someone", [("first", b"key 1", a_row("old"))])
        store.add(b"someone", [("first", b"key 1", a_row("new"))])
        assert store.verdicts(b"someone", KEYS)["first"].feedback.headline == "new"


def test_of_superseded_verdicts_the_last_one_stays(tmp_path: Path) -> None:
    with Store(tmp_path / "kept.sqlite") as store:
        for age in (b"oldest", b"older", b"key 1"):
            store.add(b"someone", [("first", age, a_row())])
        store.add(b"another", [("first", b"oldest", a_row())])
        store.drop_superseded()
        kept = [key for key in (b"oldest", b"older", b"key 1") if b"someone" in store.known({"first": key})]
        assert kept == [b"older", b"key 1"]
        assert store.known({"first": b"oldest"}) == {b"another": {"first"}}


def test_what_was_written_and_made(tmp_path: Path) -> None:
    with Store(tmp_path / "kept.sqlite") as store:
        store.note_written("a", Written(b"state", "12 34"))
        store.note_written("b", Written(b"state", "56 78"))
        store.forget_written(["a"])
        store.note_made("report", b"old", b"x")
        store.note_made("report", b"new", b"y")
        assert store.written() == {"b": Written(b"state", "56 78")}
        assert (store.made("report", b"new"), store.made("report", b"old")) == (b"y", None)


# --- a kill at any moment -------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_regrade_store import a_row
from autograder.regrade.store import Store
store = Store(Path({file!r}))
for number in range(10_000):
    store.add(b"%d" % number, [("first", b"key 1", a_row()), ("second", b"key 2", a_row())])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [0, 1, 7, 40])
def test_what_was_committed_outlives_a_kill(tmp_path: Path, after: int) -> None:
    file = tmp_path / "kept.sqlite"
    code = WRITER.format(path=[str(Path(__file__).parent)], file=str(file))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(after + 1)]
        with pytest.raises(UserError, match=f"another regrade is writing to this folder.*process {writer.pid}"):
            Store(file)
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout]
    with Store(file) as store:  # the lock has gone with its process
        known = store.known(KEYS)
        assert all(known[b"%d" % number] == {"first", "second"} for number in told)
        assert all(graders == {"first", "second"} for graders in known.values())  # a batch as a whole
        store.verdicts(b"0", KEYS)


def test_a_file_that_was_begun_and_has_nothing_in_it_is_new(tmp_path: Path) -> None:
    (tmp_path / "kept.sqlite").touch()
    with Store(tmp_path / "kept.sqlite") as store:
        assert store.known(KEYS) == {}


# --- damage ---------------------------------------------------------------------------------------------------------


def a_full_file(path: Path) -> bytes:
    with Store(path) as store:
        for number in range(40):
            store.add(b"%d" % number, [("first", b"key 1", a_row("x" * 500))])
    return path.read_bytes()


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    path.write_text("Dear diary")
    with pytest.raises(UserError, match="no SQLite file") as caught:
        Store(path)
    assert "Move it away" in caught.value.remedy
    assert path.read_text() == "Dear diary"


def test_another_programs_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE diary (day TEXT)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match="another program's"):
        Store(path)
    assert path.read_bytes() == before


def test_a_file_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    a_full_file(path)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(UserError, match="format 99"):
        Store(path)


@pytest.mark.parametrize("seed", range(25))
def test_damage_is_told_and_never_taken_for_a_verdict(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "kept.sqlite"
    content = bytearray(a_full_file(path))
    chance = random.Random(seed)
    if seed % 5 == 0:
        content = content[: chance.randrange(100, len(content))]
    else:
        start = chance.randrange(len(content) - 600)
        content[start : start + 600] = chance.randbytes(600)
    path.write_bytes(content)
    right = decode_verdict(a_row("x" * 500))
    told = None
    try:
        with Store(path) as store:
            store.known(KEYS)
            for number in range(40):
                for verdict in store.verdicts(b"%d" % number, KEYS).values():
                    assert verdict == right
    except UserError as error:
        told = error
    assert told is None or (told.where == str(path) and told.remedy)
    assert path.is_file()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write here"):
        Store(tmp_path / "file" / "kept.sqlite")


def test_one_at_a_time_and_then_the_next(tmp_path: Path) -> None:
    for _ in range(3):
        with Store(tmp_path / "kept.sqlite"):
            assert (tmp_path / LOCK).read_text().startswith(f"process {os.getpid()} on ")
