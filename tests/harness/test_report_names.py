"""Who is named where, and what stands in their place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.regrade.handins import Handin, Person
from autograder.report.names import Names

ADA = Handin("lovelaceada_12345", (Person("Ada King Lovelace", "650001234", "ada.k@example.edu"),), None)
MAX = Handin(
    "submission_7", (Person("Max Li", "650005678", "maxli7@example.edu"), Person("Wei Chen", "77", "w@x.y")), None
)
WANG = Handin("submission_8", (Person("王小明"),), None)
KEY = b"0123456789abcdef"


@pytest.fixture(scope="module")
def names() -> Names:
    return Names([ADA, MAX, WANG], KEY)


def found(names: Names, text: str, owner: str = "", **how: bool) -> list[str]:
    return [piece.text for piece in names.pieces(text, owner, **how) if piece.alias]


@pytest.mark.parametrize(
    "text",
    [
        "by Ada King Lovelace, 2026",
        "ada lovelace",
        "Lovelace, Ada",
        "ADA_LOVELACE",
        "lovelace-ada",
        "adalovelace",
        "lovelaceada",
        "ada.k@example.edu",
        "650001234",
        "lovelaceada_12345_hw3.py",
        "mail maxli7 now",
        "Chen, Wei",
    ],
)
def test_names_are_found_however_they_are_written(names: Names, text: str) -> None:
    assert found(names, text)


@pytest.mark.parametrize(
    "text",
    [
        "x = torch.max(logits)",
        "ada",
        "Lovelace",
        "li",
        "12345",
        "77",
        "the submission",
        "chen",
        "Adam Loveless",
        "ada.\n\n\n\nlovelace",
    ],
)
def test_what_may_be_any_word_is_left_alone(names: Names, text: str) -> None:
    assert not found(names, text)


def test_a_lone_part_counts_in_its_owners_text_where_it_is_written_as_a_name(names: Names) -> None:
    assert found(names, "# Max Pooling by Max, not max", MAX.id) == ["Max", "Max"]
    assert found(names, "# Max", ADA.id) == []
    assert found(names, "lovelace_hw3.py", ADA.id, is_path=True) == ["lovelace"]
    assert found(names, "作者王小明的作业", WANG.id) == ["王小明"]


def test_pieces_are_the_text(names: Names) -> None:
    text = "Ada Lovelace and Max Li wrote 650001234."
    pieces = names.pieces(text)
    assert "".join(piece.text for piece in pieces) == text
    hidden = "".join(piece.alias or piece.text for piece in pieces)
    ada, (max_li, _) = names[ADA.id].alias, [alias for _, alias in names[MAX.id].people]
    assert hidden == f"{ada} and {max_li} wrote {ada}."


@given(st.text(max_size=60), st.sampled_from(["", ADA.id, MAX.id, WANG.id]), st.booleans())
def test_no_text_is_lost(text: str, owner: str, is_path: bool) -> None:
    pieces = Names([ADA, MAX, WANG], KEY).pieces(text, owner, is_path=is_path)
    assert "".join(piece.text for piece in pieces) == text


def test_pseudonyms_hang_on_the_person_and_the_key_alone() -> None:
    alone, together = Names([ADA], KEY), Names([MAX, WANG, ADA], KEY)
    assert alone[ADA.id].alias == together[ADA.id].alias
    assert alone[ADA.id].alias != Names([ADA], b"another key here")[ADA.id].alias
    again = Handin("submission_99", ADA.people, None)
    assert Names([again], KEY)[again.id].alias == alone[ADA.id].alias, "another attempt of the same person"


def test_no_two_people_have_one_pseudonym() -> None:
    handins = [Handin(f"s{n}", (Person(f"N {n}", str(n), f"{n}@x.y"),), None) for n in range(2_000)]
    names = Names(handins, KEY)
    aliases = [names[handin.id].alias for handin in handins]
    assert len(set(aliases)) == len(aliases)
    assert all(re.fullmatch("Student [0-9A-F]{4,6}", alias) for alias in aliases)
    assert any(len(alias) > len("Student 0000") for alias in aliases), "2,000 people in 65,536 codes: some must collide"


def test_doubles_are_told_apart_and_a_group_has_all_names() -> None:
    twins = [Handin(f"s{n}", (Person("Wei Chen", sid),), None) for n, sid in enumerate(("1", "2"))]
    names = Names([*twins, MAX], KEY)
    assert [names[twin.id].label for twin in twins] == ["Wei Chen (1)", "Wei Chen (2)"]
    assert names[MAX.id].label == "Max Li and Wei Chen"
    assert len(set(names[MAX.id].alias.split(" and "))) == 2


def test_pages_are_not_called_as_people_are() -> None:
    assert re.fullmatch("[0-9a-f]{12}", Names([ADA], KEY)[ADA.id].key)
