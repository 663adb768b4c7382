"""Verdicts that are kept between runs: one SQLite file.

Theory of operation. `verdicts` has a row per (submission, grader, key): the digests of keys.py, and the verdict
with its feedback and pictures. It is written when a worker's batch is done, in one transaction, before any
results.json is made of it; `written` tells what each results.json was made from, and is written after that
file. So a process may be killed between any two instructions: what has been committed is there, and a file
that is not told of is written again. `seen` spares reading what has not changed (looks.py), `made` making it again.

The journal is SQLite's write-ahead log with `synchronous=NORMAL`. What a transaction has committed outlives the
process, however that ends. Where the machine itself loses power the last seconds may be lost, never the file.
The log needs shared memory between processes unless one of them locks the file for itself, which `Store`
does; so the file may also lie on a network's file system. That a second run cannot write here at the same time is
told by a lock on a file beside it, which goes with its process.

Every row carries a digest of its content: a damaged file is found out, and told. Nothing is thrown away silently.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from autograder.errors import UserError
from autograder.feedback import Feedback, GraderResult
from autograder.grading import make_result
from autograder.manifest import Grader

APPLICATION = 0x52475244  # "RGRD", in the file's header: whose it is
FORMAT = 1
CHECK_BYTES = 8
LOCK = ".regrade.lock"
_HEADER = b"SQLite format 3\0"
_TABLES = """
CREATE TABLE verdicts (
    submission BLOB NOT NULL, grader TEXT NOT NULL, key BLOB NOT NULL, verdict BLOB NOT NULL,
    PRIMARY KEY (submission, grader, key)
);
CREATE TABLE written (handin TEXT PRIMARY KEY, state BLOB NOT NULL, file TEXT NOT NULL);
CREATE TABLE seen (handin TEXT PRIMARY KEY, look BLOB NOT NULL, submission BLOB NOT NULL, notes BLOB NOT NULL);
CREATE TABLE made (name TEXT PRIMARY KEY, state BLOB NOT NULL, content BLOB NOT NULL);
"""


class Kept(msgspec.Struct, frozen=True):
    """A verdict without what only shows or weighs it; `of` takes it from a result, `result` gives one."""

    credit: float
    feedback: Feedback
    seconds: float
    extra: dict[str, Any]
    leaderboard: dict[str, float]

    @classmethod
    def of(cls, result: GraderResult) -> Kept:
        return cls(result.credit, result.feedback, result.seconds, dict(result.extra), dict(result.leaderboard))

    def result(self, grader: Grader) -> GraderResult:
        return make_result(grader, self.credit, self.feedback, self.seconds, self.extra, self.leaderboard)


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Kept).decode


def encode_verdict(result: GraderResult) -> bytes:
    """The bytes of a row; text that is no Unicode is made so."""
    try:
        body = _pack(Kept.of(result))
    except UnicodeEncodeError:
        body = _pack(_clean(Kept.of(result)))
    return _check(body) + body


def decode_verdict(row: bytes) -> Kept:
    """What `encode_verdict` was given.

    Raises:
        ValueError: where the bytes are not what was written.
    """
    body = row[CHECK_BYTES:]
    if row[:CHECK_BYTES] != _check(body):
        raise ValueError("a verdict's check does not fit")
    return _unpack(body)


@dataclass(frozen=True)
class Written:
    """A results.json that stands: what it was made from, and what the file looked like then."""

    state: bytes
    file: str


@dataclass(frozen=True)
class Seen:
    """What was read of a handin's files when they looked so: the submission's digest, and the notes on it."""

    look: bytes
    submission: bytes
    notes: tuple[str, ...]


class Store:
    """The verdicts of one output folder. For one thread, and for one process at a time.

    Args:
        path: the file; made where there is none.

    Raises:
        UserError: where another run has it, or the file is damaged or another program's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _locked(path.parent / LOCK)
        try:
            with self._told():
                self._database = self._open()
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let others have it."""
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
        self._lock.close()

    def known(self, keys: Mapping[str, bytes]) -> dict[bytes, set[str]]:
        """By submission, the graders whose verdict under these keys is kept."""
        names = {grader: grader for grader in keys}  # one object for each name, however many rows
        found: dict[bytes, set[str]] = {}
        with self._told():
            for submission, grader, key in self._database.execute("SELECT submission, grader, key FROM verdicts"):
                if keys.get(grader) == key:
                    found.setdefault(submission, set()).add(names[grader])
        return found

    def add(self, submission: bytes, rows: Iterable[tuple[str, bytes, bytes]]) -> None:
        """Keep (grader, key, encoded verdict) rows of a submission, all or none."""
        with self._told(), self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?)",
                [(submission, grader, key, verdict) for grader, key, verdict in rows],
            )

    def verdicts(self, submission: bytes, keys: Mapping[str, bytes]) -> dict[str, Kept]:
        """By grader, the verdicts on a submission that are kept under these keys."""
        with self._told():
            rows = self._database.execute(
                "SELECT grader, key, verdict FROM verdicts WHERE submission = ?", (submission,)
            )
            return {grader: decode_verdict(verdict) for grader, key, verdict in rows if keys.get(grader) == key}

    def written(self) -> dict[str, Written]:
        """By handin, what its results.json was made from."""
        with self._told():
            rows = self._database.execute("SELECT handin, state, file FROM written")
            return {handin: Written(state, file) for handin, state, file in rows}

    def note_written(self, handin: str, written: Written) -> None:
        """Remember what a results.json was made from."""
        with self._told(), self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO written VALUES (?, ?, ?)", (handin, written.state, written.file)
            )

    def forget_written(self, handins: Sequence[str]) -> None:
        """These handins have no results.json any more."""
        with self._told(), self._database:
            self._database.executemany("DELETE FROM written WHERE handin = ?", [(handin,) for handin in handins])

    def seen(self) -> dict[str, Seen]:
        """By handin, what was read of it last."""
        with self._told():
            rows = self._database.execute("SELECT handin, look, submission, notes FROM seen")
            return {
                handin: Seen(look, submission, msgspec.msgpack.decode(notes, type=tuple[str, ...]))
                for handin, look, submission, notes in rows
            }

    def note_seen(self, seen: Mapping[str, Seen]) -> None:
        """Remember what was read of handins."""
        rows = [(handin, one.look, one.submission, msgspec.msgpack.encode(one.notes)) for handin, one in seen.items()]
        with self._told(), self._database:
            self._database.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", rows)

    def made(self, name: str, state: bytes) -> bytes | None:
        """What was made from `state` under a name; None where that was made from something else, or never."""
        with self._told():
            row = self._database.execute(
                "SELECT content FROM made WHERE name = ? AND state = ?", (name, state)
            ).fetchone()
            return None if row is None else bytes(row[0])

    def note_made(self, name: str, state: bytes, content: bytes = b"") -> None:
        """Remember what was made from `state`, in the place of what was made before under this name."""
        with self._told(), self._database:
            self._database.execute("INSERT OR REPLACE INTO made VALUES (?, ?, ?)", (name, state, content))

    def drop_superseded(self) -> None:
        """Of each grader's verdicts on a submission keep the two newest: a change can be taken back for free."""
        with self._told(), self._database:
            self._database.execute(
                "DELETE FROM verdicts WHERE rowid IN (SELECT rowid FROM (SELECT rowid, row_number() OVER "
                "(PARTITION BY submission, grader ORDER BY rowid DESC) AS age FROM verdicts) WHERE age > 2)"
            )

    def _open(self) -> sqlite3.Connection:
        fresh = not self.path.exists() or self.path.stat().st_size == 0
        if not fresh:
            with self.path.open("rb") as file:
                if file.read(len(_HEADER)) != _HEADER:
                    raise self._unusable("this file holds no verdicts: it is no SQLite file")
        database = sqlite3.connect(self.path, isolation_level="IMMEDIATE", check_same_thread=False)
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            application = database.execute("PRAGMA application_id").fetchone()[0]
            version = database.execute("PRAGMA user_version").fetchone()[0]
            tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if tables and application != APPLICATION:
                raise self._unusable("this file is another program's")
            if tables and version != FORMAT:
                raise self._unusable(f"this file has format {version}, and this version writes format {FORMAT}")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            if not tables:  # new, or killed before its first transaction
                database.executescript(
                    f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}; COMMIT;"
                )
        except BaseException:
            database.close()
            raise
        return database

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say what is wrong with the file, and what to do."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            if "disk image" in str(error) or "malformed" in str(error):
                raise self._unusable(f"this file is damaged ({error})") from error
            raise UserError(
                f"cannot keep verdicts: {error}",
                where=str(self.path),
                remedy="Make room on the disk, and let this folder be read and written.",
            ) from error
        except (sqlite3.DatabaseError, ValueError, msgspec.MsgspecError) as error:
            raise self._unusable(f"this file is damaged ({error})") from error

    def _unusable(self, what: str) -> UserError:
        return UserError(
            what,
            where=str(self.path),
            remedy="Move it away, with its -wal file if there is one, and run again: all is then graded anew. "
            "Or choose another folder with -o.",
        )


def _locked(path: Path) -> IO[str]:
    """A file that this process has locked. Children do not inherit the lock, and it goes with this process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write here: {error.strerror}", where=str(path.parent), remedy="Choose another folder with -o."
        ) from error
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read(200).strip()
        file.close()
        raise UserError(
            f"another regrade is writing to this folder{f' ({owner})' if owner else ''}",
            where=str(path.parent),
            remedy="Wait until it is done, or choose another folder with -o.",
        ) from error
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    return file


def _check(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=CHECK_BYTES).digest()


def _clean(value: Any) -> Any:
    """The verdict with text that UTF-8 has."""
    from autograder.observation import clean

    def cleaned(item: Any) -> Any:
        if isinstance(item, str):
            return clean(item)
        if isinstance(item, dict):
            return {cleaned(key): cleaned(entry) for key, entry in item.items()}
        if isinstance(item, list | tuple):
            return [cleaned(entry) for entry in item]
        return item

    return msgspec.convert(cleaned(msgspec.to_builtins(value, builtin_types=(bytes,))), Kept)
