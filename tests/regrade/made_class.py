"""A class of 300 as one would export it from Gradescope, and what each of its submissions must get.

The homework is that of tests/hostile, with more misconceptions. Its students are
- right, in many styles: every function is written in several ways, and files are packed in many ways;
- wrong by one or two misconceptions, every one of them several times;
- hostile, and honest under difficulties: every case of tests/hostile;
- handed in badly: a damaged zip, a bomb, paths that climb out, links, nothing at all, two with one name, a group.
"""

from __future__ import annotations

import io
import itertools
import json
import random
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "hostile"), str(TESTS / "harness")]
from corpus import Case, accomplice, hand_in, read_cases  # noqa: E402
from guarded_homework import GRADERS, SOLUTION, VARIANTS, write_guarded_homework  # noqa: E402
from hard_coded import answers_module  # noqa: E402

from autograder.homework import Homework  # noqa: E402

Verdict = Literal["passed", "failed"]
Mistake = tuple[str, str, str]  # in which function, the misconception's name, the code
FILE = "guarded.py"
PARTS = ("energy", "noise", "estimate", "critic", "loss", "descend", "nearest")
COUNT = 300
METADATA = "submission_metadata.yml"

HEAD = "import math\n\nimport numpy as np\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"

#: Every function in several ways that are right.
RIGHT: Mapping[str, Sequence[str]] = {
    "energy": (
        "def energy(x):\n    return 0.5 * x.square().mean(dim=1)\n",
        "def energy(x):\n    return (x**2).sum(1) / (2 * x.shape[1])\n",
        "def energy(x):\n    return torch.stack([row.dot(row) / (2 * len(row)) for row in x])\n",
        'def energy(x):\n    return torch.einsum("ij,ij->i", x, x) / x.size(1) / 2\n',
    ),
    "noise": (
        "def noise(n, sigma_square):\n    return sigma_square**0.5 * torch.randn(n)\n",
        "def noise(n, sigma_square):\n    return torch.normal(0.0, math.sqrt(sigma_square), (n,))\n",
        "def noise(n, sigma_square):\n    return torch.distributions.Normal(0.0, sigma_square**0.5).sample((n,))\n",
        "def noise(n, sigma_square):\n    draws = np.random.normal(scale=np.sqrt(sigma_square), size=n)\n"
        "    return torch.as_tensor(draws, dtype=torch.float32)\n",
    ),
    "estimate": (
        "def estimate(n, mean, sigma_square):\n    return float((mean + sigma_square**0.5 * torch.randn(n)).mean())\n",
        "def estimate(n, mean, sigma_square):\n    return float(np.random.normal(mean, sigma_square**0.5, n).mean())\n",
        "def estimate(n, mean, sigma_square):\n    total = 0.0\n    for _ in range(n):\n"
        "        total += mean + math.sqrt(sigma_square) * torch.randn(()).item()\n    return total / n\n",
    ),
    "critic": (
        "class Critic(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.hidden = nn.Linear(3, 4)\n        self.out = nn.Linear(4, 1)\n\n"
        "    def forward(self, x):\n        return self.out(torch.tanh(self.hidden(x))).squeeze(1)\n",
        "class Critic(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))\n\n"
        "    def forward(self, x):\n        return self.net(x)\n",
        "class Critic(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))\n\n"
        "    def forward(self, x):\n        return super().forward(x)[:, 0]\n",
    ),
    "loss": (
        "def loss(real, fake):\n    return F.softplus(-real).mean() + F.softplus(fake).mean()\n",
        "def loss(real, fake):\n    bce = nn.BCEWithLogitsLoss()\n"
        "    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))\n",
        "def loss(real, fake):\n    return -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()\n",
        "def loss(real, fake):\n    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2\n",
    ),
    "descend": (
        "def descend(weight, x, y, rate, steps):\n    for _ in range(steps):\n"
        "        weight = weight - rate * 2 * x.T @ (x @ weight - y) / len(x)\n    return weight\n",
        "def descend(weight, x, y, rate, steps):\n    weight = weight.clone().requires_grad_()\n"
        "    optimizer = torch.optim.SGD([weight], lr=rate)\n    for _ in range(steps):\n"
        "        optimizer.zero_grad()\n        F.mse_loss(x @ weight, y).backward()\n        optimizer.step()\n"
        "    return weight.detach()\n",
        "def descend(weight, x, y, rate, steps):\n    for _ in range(steps):\n"
        "        w = weight.detach().requires_grad_(True)\n"
        "        (gradient,) = torch.autograd.grad(((x @ w - y) ** 2).mean(), w)\n"
        "        weight = w.detach() - rate * gradient\n    return weight\n",
    ),
    "nearest": (
        "def nearest(x, centres):\n    return torch.cdist(x, centres).argmin(dim=1).tolist()\n",
        "def nearest(x, centres):\n    return ((x[:, None] - centres) ** 2).sum(-1).argmin(1).tolist()\n",
        "def nearest(x, centres):\n    found = []\n    for row in x:\n"
        "        distances = [float((row - centre).norm()) for centre in centres]\n"
        "        found.append(distances.index(min(distances)))\n    return found\n",
    ),
}

#: (function, misconception's name, wrong code); the first three are the guarded homework's own. One that differs by a
#: band alone has no name: a student may have drawn badly.
WRONG: Sequence[tuple[str, str, str]] = (
    ("energy", "factor one half forgotten", "def energy(x):\n    return (x * x).mean(1)\n"),
    (
        "noise",
        "variance used as standard deviation",
        "def noise(n, sigma_square):\n    return torch.randn(n) * sigma_square\n",
    ),
    ("critic", "ReLU in place of tanh", RIGHT["critic"][1].replace("nn.Tanh", "nn.ReLU")),
    ("energy", "sum in place of the mean", "def energy(x):\n    return (x**2).sum(dim=1) / 2\n"),
    ("noise", "variance ignored", "def noise(n, sigma_square):\n    return torch.randn(n)\n"),
    ("estimate", "", RIGHT["estimate"][0].replace("mean + ", "0.0 * mean + ")),
    ("critic", "hidden units without tanh", RIGHT["critic"][1].replace("nn.Tanh(), ", "")),
    (
        "loss",
        "labels swapped",
        "def loss(real, fake):\n    return F.softplus(real).mean() + F.softplus(-fake).mean()\n",
    ),
    ("loss", "real data left out", "def loss(real, fake):\n    return F.softplus(fake).mean()\n"),
    ("descend", "climbs", RIGHT["descend"][2].replace("- rate", "+ rate")),
    ("descend", "one step too many", RIGHT["descend"][0].replace("range(steps)", "range(steps + 1)")),
    ("nearest", "farthest in place of nearest", RIGHT["nearest"][0].replace("argmin", "argmax")),
)

MORE_VARIANTS = """
[[misconception]]
name = "sum in place of the mean"
file = "guarded.py"
old = "0.5 * x.square().mean(dim=1)"
new = "0.5 * x.square().sum(dim=1)"
fails = ["1.a", "1.h"]
says = "The energy is a mean over the features."

[[misconception]]
name = "variance ignored"
file = "guarded.py"
old = "return sigma_square**0.5 * torch.randn(n)"
new = "return torch.randn(n)"
fails = ["1.b"]
says = "The noise has variance sigma_square."

[[misconception]]
name = "hidden units without tanh"
file = "guarded.py"
old = "self.out(torch.tanh(self.hidden(x)))"
new = "self.out(self.hidden(x))"
fails = ["1.d"]
says = "The hidden units have a tanh."

[[misconception]]
name = "labels swapped"
file = "guarded.py"
old = "F.softplus(-real).mean() + F.softplus(fake).mean()"
new = "F.softplus(real).mean() + F.softplus(-fake).mean()"
fails = ["1.e"]
says = "Real data have label 1."

[[misconception]]
name = "real data left out"
file = "guarded.py"
old = "F.softplus(-real).mean() + F.softplus(fake).mean()"
new = "F.softplus(fake).mean()"
fails = ["1.e"]
says = "Both halves count."

[[misconception]]
name = "climbs"
file = "guarded.py"
old = "weight - rate"
new = "weight + rate"
fails = ["1.f"]
says = "Descent goes against the gradient."

[[misconception]]
name = "one step too many"
file = "guarded.py"
old = "for _ in range(steps)"
new = "for _ in range(steps + 1)"
fails = ["1.f"]
says = "There are `steps` steps."

[[misconception]]
name = "farthest in place of nearest"
file = "guarded.py"
old = "argmin"
new = "argmax"
fails = ["1.g"]
says = "The nearest centre has the smallest distance."
"""

#: Names as they are: of many scripts, with quotes and markup, two of one kind, and one that a spreadsheet would run.
FIRST = (
    "Ada",
    "Bogdan",
    "Chloé",
    "Đặng",
    "Elif",
    "Fatima",
    "Göran",
    "Hana",
    "Íñigo",
    "Jürgen",
    "Kwame",
    "Łukasz",
    "美咲",
    "Сергей",
)
LAST = (
    "O'Neil",
    "de la Cruz",
    "van Dijk",
    "Müller-Lüdenscheidt",
    "Singh",
    "Αγγελόπουλος",
    "Nguyễn",
    "Smith",
    "Zhang",
    "Åberg",
)
ODD = ('<b>Bobby</b> & "Tables"', '=HYPERLINK("x")', "\u202eReversed", "Smith, Jr., John")


@dataclass(frozen=True)
class Student:
    """One submission of the class.

    Attributes:
        id: the folder's name in the export.
        name: of all its people, as the export tells it; the id where it tells none.
        verdicts: by grader, as in GRADERS; None where there is nothing to grade.
        shows: misconceptions that must be named for it, by grader's function.
    """

    id: str
    kind: Literal["right", "wrong", "hostile", "honest", "badly handed in"]
    name: str
    verdicts: Mapping[str, Verdict] | None
    shows: Mapping[str, str] = field(default_factory=dict)


def write_homework(project: Path) -> Homework:
    """The guarded homework with the misconceptions of this class, in a project of its own."""
    homework = write_guarded_homework(project)
    (homework.reference / "variants.toml").write_text(VARIANTS + MORE_VARIANTS)
    return homework


def write_class(export: Path, homework: Homework, count: int = COUNT, hostile_every: int = 1) -> list[Student]:
    """Write an export of `count` submissions, of a homework recorded for practice as well, into a new folder.

    hostile_every: 1 takes every hostile case, 3 each third one.
    """
    export.mkdir(parents=True)
    made = _Export(export, homework)
    cases = read_cases()
    chosen = [case for case in cases if not case.hostile] + [case for case in cases if case.hostile][::hostile_every]
    for case in chosen:
        made.add_case(case)
    for write in BADLY:
        write(made)
    wrong: Iterator[Mistake] = itertools.cycle(WRONG)
    while made.number < count:
        mistakes: dict[str, Mistake] = {}
        for _ in range(made.random.choice((0, 0, 1, 1, 1, 2))):
            mistake = next(wrong)
            if mistake[0] in mistakes:  # it would take the other one's place
                wrong = itertools.chain([mistake], wrong)
                break
            mistakes[mistake[0]] = mistake
        made.add_program(list(mistakes.values()))
    made.close()
    return made.students


class _Export:
    """An export in the making."""

    def __init__(self, folder: Path, homework: Homework) -> None:
        self.folder = folder
        self.students: list[Student] = []
        self.random = random.Random(300)
        self._metadata: dict[str, object] = {}
        self._names = iter(ODD)
        self._beside = {
            "accomplice": accomplice(folder, folder / "submission_1001", "regrade", 4711),
            "answers": answers_module(homework.practice),
        }
        self._packings = itertools.cycle(PACKINGS)

    @property
    def number(self) -> int:
        return len(self.students)

    def new(
        self,
        kind: Literal["right", "wrong", "hostile", "honest", "badly handed in"],
        verdicts: Mapping[str, Verdict] | None,
        shows: Mapping[str, str] | None = None,
        *,
        people: Sequence[str] = (),
        folder: bool = True,
        listed: bool = True,
    ) -> Path:
        """Another student; their folder."""
        number = 1001 + self.number
        id = f"submission_{number}"
        names = people or (next(self._names, None) or f"{self.random.choice(FIRST)} {self.random.choice(LAST)}",)
        self.students.append(Student(id, kind, " and ".join(names) if listed else id, verdicts, shows or {}))
        if listed:
            submitters = [
                {":name": name, ":sid": f"{20 * number + at}", ":email": f"s{20 * number + at}@example.edu"}
                for at, name in enumerate(names)
            ]
            self._metadata[id] = {
                ":submitters": submitters,
                ":created_at": f"2026-11-{1 + number % 28:02d}",
                ":score": 1.0,
            }
        place = self.folder / id
        if folder:
            place.mkdir()
        return place

    def add_case(self, case: Case) -> None:
        place = self.new("hostile" if case.hostile else "honest", case.verdicts)
        hand_in(case, place, self._beside)

    def add_program(self, mistakes: Sequence[Mistake]) -> None:
        """A program of random right functions, but for these mistakes, packed in the next way."""
        pieces = {part: self.random.choice(RIGHT[part]) for part in PARTS}
        shows: dict[str, str] = {}
        for part, name, code in mistakes:
            pieces[part] = code
            shows[part] = name  # "" where it can have none
        failed = {*shows, *(["private"] if "energy" in shows else [])}
        verdicts: dict[str, Verdict] = {
            grader: "failed" if grader.split(".")[0] in failed else "passed" for grader in GRADERS
        }
        place = self.new("wrong" if shows else "right", verdicts, shows)
        next(self._packings)(place, list(pieces.values()))

    def close(self) -> None:
        (self.folder / METADATA).write_text(yaml.safe_dump(self._metadata, allow_unicode=True), encoding="utf-8")


# --- how files are packed ------------------------------------------------------------------------------------------


def _script(place: Path, pieces: Sequence[str]) -> None:
    (place / FILE).write_text("\n\n".join([HEAD, *pieces]))


def _script_of_windows(place: Path, pieces: Sequence[str]) -> None:
    (place / FILE).write_bytes("\n\n".join([HEAD, *pieces]).replace("\n", "\r\n").encode("utf-8-sig"))


def _script_in_a_zip(place: Path, pieces: Sequence[str]) -> None:
    with zipfile.ZipFile(place / "my homework.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"hw/{FILE}", "\n\n".join([HEAD, *pieces]))


def _script_under_another_name(place: Path, pieces: Sequence[str]) -> None:
    (place / "Guarded (1).py").write_text("\n\n".join([HEAD, *pieces]))


def _script_that_trains(place: Path, pieces: Sequence[str]) -> None:
    loop = "import time\nwhile True:\n    time.sleep(1)\n"
    (place / "src").mkdir()
    (place / "src" / FILE).write_text("\n\n".join([HEAD, *pieces, loop]))


def _notebook(place: Path, pieces: Sequence[str]) -> None:
    cells = [
        {"cell_type": "code", "metadata": {}, "execution_count": 1, "outputs": [], "source": source}
        for source in ["%matplotlib inline\n" + HEAD, *pieces, "print(energy(torch.ones(2, 3)))"]
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (place / "guarded.ipynb").write_text(json.dumps(document))


PACKINGS: Sequence[Callable[[Path, Sequence[str]], None]] = (
    _script,
    _notebook,
    _script_in_a_zip,
    _script,
    _script_that_trains,
    _script_of_windows,
    _script_under_another_name,
)

# --- what is handed in badly ------------------------------------------------------------------------------------------

ALL: Mapping[str, Verdict] = dict.fromkeys(GRADERS, "passed")
NONE: Mapping[str, Verdict] = dict.fromkeys(GRADERS, "failed")


def _nothing(export: _Export) -> None:
    export.new("badly handed in", None)  # the export may be to blame


def _no_folder(export: _Export) -> None:
    export.new("badly handed in", None, folder=False)


def _no_metadata(export: _Export) -> None:
    (export.new("badly handed in", ALL, listed=False) / FILE).write_text(SOLUTION)


def _damaged_zip(export: _Export) -> None:
    (export.new("badly handed in", NONE) / "hw.zip").write_bytes(b"PK\x03\x04" + bytes(500))


def _bomb(export: _Export) -> None:
    place = export.new("badly handed in", NONE) / "hw.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(FILE, "w") as file:
        for _ in range(400):
            file.write(bytes(1_000_000))


def _climbing_zip(export: _Export) -> None:
    with zipfile.ZipFile(export.new("badly handed in", NONE) / "hw.zip", "w") as archive:
        archive.writestr(f"../../{FILE}", SOLUTION)


def _link_out(export: _Export) -> None:
    target = export.folder / "submission_1001"
    (export.new("badly handed in", NONE) / FILE).symlink_to(next(target.rglob("*.py")))


def _link_in_a_zip(export: _Export) -> None:
    entry = zipfile.ZipInfo(FILE)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(export.new("badly handed in", NONE) / "hw.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")


def _large(export: _Export) -> None:
    place = export.new("badly handed in", ALL)
    (place / FILE).write_text(SOLUTION)
    for number in range(10):  # 10 GB that take no room on the disk
        with (place / f"data_{number}.bin").open("wb") as file:
            file.truncate(1_000_000_000)


def _two_of_one_name(export: _Export) -> None:
    for _ in range(2):
        (export.new("badly handed in", ALL, people=["Kim Lee"]) / FILE).write_text(SOLUTION)


def _group(export: _Export) -> None:
    people = ["Grace Hopper", "Katherine Johnson", "Radia Perlman"]
    (export.new("badly handed in", ALL, people=people) / FILE).write_text(SOLUTION)


def _picture(export: _Export) -> None:
    (export.new("badly handed in", NONE) / FILE).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


def _template(export: _Export) -> None:
    text = SOLUTION
    for line in [line for line in SOLUTION.split("\n") if line.startswith("    return") or "self.hidden(x)" in line]:
        text = text.replace(line, f"{line[: len(line) - len(line.lstrip())]}raise NotImplementedError")
    (export.new("badly handed in", NONE) / FILE).write_text(text)


def _nested_zips(export: _Export) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(FILE, SOLUTION)
    with zipfile.ZipFile(export.new("badly handed in", ALL) / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())


BADLY: Sequence[Callable[[_Export], None]] = (
    _nothing,
    _no_folder,
    _no_metadata,
    _damaged_zip,
    _bomb,
    _climbing_zip,
    _link_out,
    _link_in_a_zip,
    _large,
    _two_of_one_name,
    _group,
    _picture,
    _template,
    _nested_zips,
)


def expected_verdicts(students: Sequence[Student]) -> Iterator[tuple[str, str, Verdict]]:
    """(submission, grader, verdict) of all that is graded."""
    for student in students:
        for grader, verdict in (student.verdicts or {}).items():
            yield student.id, grader, verdict
