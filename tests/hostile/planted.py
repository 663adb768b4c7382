"""The secrets of a run: random tokens in every place that a submission might read."""

from __future__ import annotations

import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = "GRADING_KEY"
PATTERN = re.compile(r"SECRET-[0-9a-f]{32}")


def new_token() -> str:
    return f"SECRET-{secrets.token_hex(16)}"


@dataclass
class Planted:
    """Where each token of this process is. The one in the environment was there when the process began.

    Attributes:
        places: token by place.
    """

    places: dict[str, str] = field(default_factory=dict)
    _held: list[object] = field(default_factory=list)

    @classmethod
    def in_this_process(cls) -> Planted:
        """Tokens in the environment, the memory and the open descriptors of this process."""
        planted = cls({"the environment": os.environ[VARIABLE]})
        planted._held.append([planted._new("the memory").encode() * 3])
        file = tempfile.TemporaryFile()  # noqa: SIM115 - held open on purpose
        file.write(planted._new("an open descriptor").encode())
        file.flush()
        os.set_inheritable(file.fileno(), True)
        planted._held.append(file)
        return planted

    def in_tree(self, root: Path, others: Path) -> None:
        """Tokens in files of a Gradescope tree, and in another student's submission.

        Files are as open as Gradescope's own are.
        """
        staff = root / "source" / "notes_for_staff.txt"
        staff.write_text(f"The key is {self._again('a file beside the expectations')}\n")
        old = root / "source" / "expectations" / "observations" / "test_guarded.test_old.obs"
        old.write_bytes(b"OBS1\0\0\0\2{}" + self._again("an expectation").encode())
        metadata = {"id": 1, "users": [{"name": self._again("the submission's metadata")}]}
        (root / "submission_metadata.json").write_text(json.dumps(metadata))
        others.mkdir(parents=True, exist_ok=True)
        (others / "guarded.py").write_text(f"# {self._again('another submission')}\n")

    def found_in(self, texts: Iterable[str]) -> set[str]:
        """The places whose tokens occur in the texts."""
        found = {token for text in texts for token in PATTERN.findall(text)}
        return {place for place, token in self.places.items() if token in found}

    def _new(self, place: str) -> str:
        self.places[place] = new_token()
        return self.places[place]

    def _again(self, place: str) -> str:
        return self.places.get(place) or self._new(place)
