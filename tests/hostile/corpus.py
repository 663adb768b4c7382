"""The hostile and the honest submissions: what each is for, and which verdicts it must get.

A case is one file below read/, forge/, deny/ or honest/, or a folder with several and a `case.txt`. Its docstring (or
the text of case.txt) says its purpose, and then, in lines of their own:

    passes: critic, loss.visible     graders that must give full marks
    fails: everything else           graders that must give none
    control: leaks, left             what it must show where isolation is off; only cases with this line run there

`loss` stands for both halves, `loss.visible` and `loss.hidden`. Each grader has to be named once, or be among
"everything", "everything else" or "nothing".
"""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from guarded_homework import GRADERS, SOLUTION

Verdict = Literal["passed", "failed"]
HERE = Path(__file__).resolve().parent
CATEGORIES = ("read", "forge", "deny", "honest")
# The fields of `worker.Found` that count breaches.
KINDS = ("undeserved", "leaks", "lost", "hung", "reached", "left")
# Honest graders that are run beside those that a hostile submission attacks; all of them would take twice the time.
BYSTANDERS = 5
_LINE = re.compile(r"^(passes|fails|control): *(.+)$", re.MULTILINE)
_BESIDE = re.compile(r"^(?:from|import) (solution|accomplice|answers)\b", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One submission.

    Attributes:
        source: the file or the folder.
        verdicts: what each grader must say, by its name in `guarded_homework.GRADERS`.
        breaches: the kinds of breach that it must show where isolation is off; none where it is not run there.
    """

    category: str
    name: str
    source: Path
    purpose: str
    verdicts: Mapping[str, Verdict]
    breaches: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.category}/{self.name}"

    @property
    def hostile(self) -> bool:
        return self.category != "honest"

    def graded(self) -> list[str]:
        """The graders that are run: all on what is honest; on what is hostile those that it fails, and bystanders."""
        passing = [grader for grader, verdict in self.verdicts.items() if verdict == "passed"]
        own = [grader for grader in passing if grader.split(".")[0] in self._attacked()]
        others = [grader for grader in passing if grader not in own]
        bystanders = [*own, *others[:: -(-len(others) // BYSTANDERS) or 1]] if self.hostile else passing
        return [grader for grader in GRADERS if grader in bystanders or self.verdicts[grader] == "failed"]

    def deserved(self) -> list[str]:
        """The graders among those that it must pass."""
        return [grader for grader in self.graded() if self.verdicts[grader] == "passed"]

    def _attacked(self) -> set[str]:
        """The names of which one half or both must fail."""
        return {grader.split(".")[0] for grader, verdict in self.verdicts.items() if verdict == "failed"}


def read_cases() -> list[Case]:
    """Every case, by category and name.

    Raises:
        ValueError: where a docstring does not say what it must.
    """
    return [
        read_case(source, category)
        for category in CATEGORIES
        for source in sorted((HERE / category).iterdir())
        if (source.suffix == ".py" or source.is_dir()) and not source.name.startswith(("_", "."))
    ]


def read_case(source: Path, category: str) -> Case:
    """One case from its docstring."""
    if source.is_dir():
        text = (source / "case.txt").read_text()
    else:
        text = ast.get_docstring(ast.parse(source.read_text())) or ""
    told: dict[str, str] = {}
    for key, value in _LINE.findall(text):
        if key in told:
            raise ValueError(f"{source}: two lines say {key!r}")
        told[key] = value.strip()
    purpose = " ".join(_LINE.sub("", text).split())
    if not purpose.endswith("."):
        raise ValueError(f"{source}: the purpose is missing, or is no sentence")
    try:
        verdicts = _verdicts(told.get("passes", "nothing"), told.get("fails", "nothing"))
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    breaches = tuple(kind.strip() for kind in told["control"].split(",")) if "control" in told else ()
    if not set(breaches) <= set(KINDS):
        raise ValueError(f"{source}: breaches are of the kinds {', '.join(KINDS)}")
    return Case(category, source.stem, source, purpose, verdicts, breaches)


def _verdicts(passes: str, fails: str) -> dict[str, Verdict]:
    named = {"passed": _graders(passes), "failed": _graders(fails)}
    if (named["passed"] is None) == (named["failed"] is None) and set(GRADERS) != {
        *(named["passed"] or ()),
        *(named["failed"] or ()),
    }:
        raise ValueError("not every grader has a verdict, or both lines say 'everything else'")
    passed = named["passed"] if named["passed"] is not None else set(GRADERS) - (named["failed"] or set())
    failed = named["failed"] if named["failed"] is not None else set(GRADERS) - passed
    if passed & failed:
        raise ValueError(f"two verdicts for {sorted(passed & failed)}")
    return {grader: "passed" if grader in passed else "failed" for grader in GRADERS}


def _graders(text: str) -> set[str] | None:
    """The graders that a line names; None for all that the other line does not."""
    if text in ("everything", "everything else"):
        return None
    if text == "nothing":
        return set()
    found: set[str] = set()
    for word in text.split(","):
        name = word.strip()
        halves = {name} & set(GRADERS) or {f"{name}.visible", f"{name}.hidden"} & set(GRADERS)
        if not halves:
            raise ValueError(f"there is no grader {name!r}")
        found |= halves
    return found


def hand_in(case: Case, folder: Path, beside: Mapping[str, str]) -> None:
    """Lay a case's files into `folder`, as Gradescope does with what a student uploads.

    Args:
        folder: exists and is empty.
        beside: the text of `accomplice` and of `answers`, which come along where the case imports them.
    """
    if case.source.is_dir():
        shutil.copytree(case.source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("case.txt", "__*"))
    else:
        shutil.copyfile(case.source, folder / "guarded.py")
    texts = [path.read_text() for path in folder.rglob("*.py")]
    for module in wanted_beside(texts):
        (folder / f"{module}.py").write_text({"solution": SOLUTION, **beside}[module])


def accomplice(root: Path, others: Path, mark: str, key: int) -> str:
    """The text of `accomplice` for a run below `root`, by this process; see the head of it for what it is told."""
    text = (HERE / "beside" / "accomplice.py").read_text()
    facts = {"ROOT": root, "OTHERS": others, "GRADER": os.getpid(), "MARK": mark, "KEY": key}
    for name, value in facts.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def wanted_beside(texts: Sequence[str]) -> set[str]:
    """Which of the files that lie ready are imported."""
    return {name for text in texts for name in _BESIDE.findall(text)}
