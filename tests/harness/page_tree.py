"""A page as a tree, strictly: every tag is closed, in order, and no attribute stands twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = frozenset({"meta", "link", "img", "input", "br", "hr"})


@dataclass
class Element:
    """An element with its attributes; its children are elements and texts."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, as one line."""
        return " ".join(self._raw().split())

    @property
    def own_text(self) -> str:
        """The text in it that is in no other element, as one line."""
        return " ".join("".join(child for child in self.children if isinstance(child, str)).split())

    @property
    def elements(self) -> list[Element]:
        """Its children that are elements."""
        return [child for child in self.children if isinstance(child, Element)]

    def _raw(self) -> str:
        return "".join(child if isinstance(child, str) else child._raw() for child in self.children)

    def all(self, tag: str = "", **attributes: str) -> Iterator[Element]:
        """Every element below, itself included, of the tag and with the attributes."""
        if tag in ("", self.tag) and all(self.attributes.get(name) == value for name, value in attributes.items()):
            yield self
        for child in self.elements:
            yield from child.all(tag, **attributes)

    def one(self, tag: str = "", **attributes: str) -> Element:
        (found,) = self.all(tag, **attributes)
        return found

    def cells(self) -> list[list[Element]]:
        """The cells of a table's body, row by row."""
        (body,) = self.all("tbody")
        return [row.elements for row in body.elements]

    def rows(self) -> list[list[str]]:
        """The texts of a table's body."""
        return [[cell.text for cell in row] for row in self.cells()]


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def close(self) -> None:
        super().close()
        assert self._open == [self.root], f"not closed: {[element.tag for element in self._open[1:]]}"


def read_page(path: Path) -> Element:
    """A page as a tree. Tags that are not closed, or closed in another order, are an AssertionError."""
    tree = _Tree()
    tree.feed(path.read_text("utf-8"))
    tree.close()
    return tree.root
