"""The page on which a TA reads a class's answers: one HTML file that runs no script and loads nothing.

Students' markdown is rendered with HTML switched off. Of links, those to the web stay; of pictures, those that are in
the notebook. Formulas stay as they were typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import jinja2
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape

from autograder.answers.collection import MAX_ANSWER, MAX_PICTURES, Answer, ClassAnswers, Question
from autograder.answers.pictures import ShownPicture, show_picture

TEMPLATE = "page.html.j2"
#: Headings of an answer begin at this level, below those of the page.
FIRST_HEADING = 4
#: Characters of one formula.
MAX_FORMULA = 3_000
#: Opening brackets of an answer, beyond which it is shown as plain text: they cost the parser most.
MAX_BRACKETS = 500

_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_IMAGE_TAG = re.compile(r"<img\b[^<>\n]{0,500}>", re.IGNORECASE)
_SOURCE = re.compile(r"\bsrc\s*=\s*[\"']?(attachment:[\w-]+)", re.IGNORECASE)
_FORMULA = re.compile(rf"\$\$[^$]{{1,{MAX_FORMULA}}}\$\$|\$(?![\s$])[^$]{{1,{MAX_FORMULA}}}(?<![\s\\])\$(?!\d)")
_ENVIRONMENT = re.compile(r"\\begin\{([A-Za-z]{1,20}\*?)\}")


def render_answers(answers: ClassAnswers) -> str:
    """The page, complete. It is the same for the same answers."""
    return _template().render(
        title=answers.title,
        anonymous=answers.anonymous,
        students=answers.students,
        skipped=answers.skipped,
        sections=[_section(answers, question) for question in answers.questions],
        problems=[(student.name, problem) for student in answers.students for problem in student.problems],
        elsewhere=[
            (student.name, [_shown(answer) for answer in student.elsewhere])
            for student in answers.students
            if student.elsewhere
        ],
    )


def render_markdown(text: str, pictures: Mapping[str, ShownPicture | str]) -> Markup:
    """Markdown as HTML that is safe whatever the text is.

    Args:
        text: may show a picture as `![](attachment:key)`.
        pictures: by key, each one or why it is not shown.
    """
    if text.count("[") > MAX_BRACKETS:
        return Markup("<pre>{}</pre>").format(text)
    parser = _parser()
    tokens = parser.parse(_IMAGE_TAG.sub(_as_markdown, text))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + FIRST_HEADING - 1)}"
        if token.children:
            token.children = _harmless(token.children, pictures)
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _section(answers: ClassAnswers, question: Question) -> dict[str, object]:
    """What the template shows of one question."""
    counts = answers.count(question.number)
    answered = counts.pop("answered")
    told = [
        f"{answered} answer{'' if answered == 1 else 's'}",
        *(f"{count} {what}" for what, count in counts.items() if count),
    ]
    return {
        "id": "q-" + "-".join(re.findall(r"\w+", question.number)),
        "number": question.number,
        "file": question.file,
        "text": render_markdown(question.text, {}),
        "counts": ", ".join(told),
        "answers": [
            (student.name, student.answers[question.number].status, _shown(student.answers[question.number]))
            for student in answers.students
        ],
    }


def _shown(answer: Answer) -> Markup:
    """An answer's text, with a note where not all of it is shown."""
    pictures = {key: show_picture(encoded) for key, encoded in answer.pictures.items()}
    html = render_markdown(answer.text, pictures)
    if answer.is_cut:
        html += Markup('<p class="note">This answer is longer: its first {} characters are shown.</p>').format(
            f"{MAX_ANSWER:,}"
        )
    return html


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE)


# --- markdown ---------------------------------------------------------------------------------------------------------


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("js-default", {"html": False, "linkify": False})
    parser.inline.ruler.before("escape", "formula", _inline_formula)
    parser.block.ruler.before(
        "fence", "formula", _block_formula, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    return parser


def _inline_formula(state: StateInline, silent: bool) -> bool:
    """`$...$` and `$$...$$` within a line or a paragraph."""
    if state.src[state.pos] != "$":
        return False
    formula = _FORMULA.match(state.src, state.pos)
    if formula is None or formula.end() > state.posMax:
        return False
    if not silent:
        state.push("html_inline", "", 0).content = _formula(formula[0])
    state.pos = formula.end()
    return True


def _block_formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Lines from `$$` to `$$`, or from `\\begin{align}` to `\\end{align}`; what is in between is no markdown."""
    first = _line(state, start)
    environment = _ENVIRONMENT.match(first)
    if environment:
        closing = f"\\end{{{environment[1]}}}"
    elif first.startswith("$$") and "$$" not in first[2:]:
        closing = "$$"
    else:
        return False
    last = start
    length = len(first)
    while closing not in (_line(state, last)[2:] if last == start else _line(state, last)):
        last += 1
        length += len(_line(state, last)) + 1 if last < end else 0
        if last >= end or length > MAX_FORMULA:
            return False
    if not silent:
        text = "\n".join(_line(state, at) for at in range(start, last + 1))
        state.push("html_block", "", 0).content = f'<div class="formula">{escape(text)}</div>\n'
        state.line = last + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _formula(text: str) -> str:
    return str(Markup('<span class="formula">{}</span>').format(text))


def _as_markdown(tag: re.Match[str]) -> str:
    """An `<img>` of one of the notebook's pictures, as markdown."""
    source = _SOURCE.search(tag[0])
    return f"![]({source[1]})" if source else tag[0]


def _harmless(tokens: Sequence[Token], pictures: Mapping[str, ShownPicture | str]) -> list[Token]:
    """Inline tokens without links to anything but the web, and without pictures but the given ones."""
    kept: list[Token] = []
    links: list[bool] = []  # of the links around a token, whether each is kept
    for token in tokens:
        if token.type == "link_open":
            links.append(bool(_LINK.match(str(token.attrGet("href") or ""))))
            token.attrSet("rel", "noopener noreferrer nofollow")
            token.attrs.pop("title", None)
        if token.type == "image":
            kept.append(Token("html_inline", "", 0, content=_image(token, pictures)))
        elif token.type not in ("link_open", "link_close") or links[-1]:
            kept.append(token)
        if token.type == "link_close":
            links.pop()
    return kept


def _image(token: Token, pictures: Mapping[str, ShownPicture | str]) -> str:
    source, text = str(token.attrGet("src") or ""), token.content[:300]
    if not source.startswith("attachment:"):
        words = Markup('<span class="note">[a picture that is not in the notebook: {} {}]</span>')
        return str(words.format(text, source[:300]))
    picture = pictures.get(source.removeprefix("attachment:"), f"it is lost, or beyond the first {MAX_PICTURES}")
    if isinstance(picture, str):
        return str(Markup('<span class="note">[a picture is not shown: {}]</span>').format(picture))
    image = Markup('<img src="{}" width="{}" height="{}" alt="{}">')
    return str(image.format(picture.uri, picture.width, picture.height, text or "a picture in this answer"))
