"""Source text and bytes with mistakes of people, editors and disks in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from submission_seeds import SCRIPTS

_TOKENS = re.compile(r"\w+|\s+|[^\w\s]")


def _words(text: str) -> list[str]:
    return text.split()


_OPERATORS = _words("+ - * / // % ** @ == != < <= > & | ^ >> := = ->")
_NUMBERS = _words("0 1 2 -1 0.5 .5 3 4 1e308 1e999 1j 0x_f 1_000 07 2**31 True")
_KEYWORDS = _words(
    """
    energy noise torch None return yield await lambda del global nonlocal async import from class def raise match
    exit() dim sum mean if else: while
    """
)
_BRACKETS = ["", *_words("( ) [ ] { } : , )) ([{")]
_CODINGS = _words("latin-1 utf-8 utf-16 rot13 cp1252 no-such hex idna utf-7 gb18030")
_CHARACTERS = ("\0", "\x1a", "\x0c", "\ufeff", "\u202e", "\u200b", "\u2028", "\x85", "\xa0", "\t", "\\", "\\\n")
_SURROGATES = (chr(0xD800), chr(0xDC80))
_ODD_WORDS = _words("ｅｎｅｒｇｙ еnergy 𝓮𝓷𝓮𝓻𝓰𝔂 ªº Ⅷ π énergie e\u0301 “” – × ½ １ f'{ }' rb' # ` $ ?")
_QUOTES = ("'''", '"""', "'", '"')
_LINES = r"""
%timeit energy
!ls -la
files = !ls
?energy
%%bash
import energy
energy = energy
@energy
torch = None
del noise
from tiny_energy import *
from __future__ import annotations
from __future__ import braces
globals().clear()
print 'hello'
__name__ = '__main__'
while True: pass
def energy(x): return x
class energy: pass
import os; os._exit(0)
raise SystemExit
<<<<<<< HEAD
if False: energy = 1
for noise in []: pass
exec("energy = 1")
"""
ODD_TEXTS = (*_CHARACTERS, *_SURROGATES, *_ODD_WORDS, *_QUOTES, *(f"\n{line}\n" for line in _LINES.splitlines()))


def a_script(rng: Random) -> str:
    """One of the seeds; the right one and the messy one more often."""
    script: str = rng.choice([*SCRIPTS.values(), SCRIPTS["right"], SCRIPTS["messy"]])
    return script


def mutated_text(rng: Random, text: str) -> str:
    """The text with one change of tokens, lines or characters, or a few."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        change: Callable[[Random, str], str] = rng.choice(_CHANGES)
        text = change(rng, text)
    return text


def _cut(rng: Random, text: str) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _lines(rng: Random, text: str) -> str:
    lines = text.split("\n")
    first, second = sorted(rng.randrange(len(lines) + 1) for _ in range(2))
    piece = lines[first:second]
    step = rng.randrange(4)
    if step == 0:
        lines[first:second] = []
    elif step == 1:
        lines[first:first] = piece
    elif step == 2:
        lines[first:second] = piece[::-1]
    else:
        other = a_script(rng).split("\n")
        start = rng.randrange(len(other))
        lines[first:first] = other[start : start + rng.randrange(1, 9)]
    return "\n".join(lines)


def _tokens(rng: Random, text: str) -> str:
    tokens = _TOKENS.findall(text)
    if not tokens:
        return text
    place = rng.randrange(len(tokens))
    step = rng.randrange(5)
    if step == 0:
        del tokens[place]
    elif step == 1:
        tokens[place:place] = [tokens[place]]
    elif step == 2:
        other = rng.randrange(len(tokens))
        tokens[place], tokens[other] = tokens[other], tokens[place]
    elif step == 3:
        tokens[place] = rng.choice(_KEYWORDS)
    else:
        tokens[place] = rng.choice(tokens)
    return "".join(tokens)


def _operators(rng: Random, text: str) -> str:
    return _one_of(rng, text, r"[-+*/%@<>=|&^]+", rng.choice(_OPERATORS))


def _numbers(rng: Random, text: str) -> str:
    return _one_of(rng, text, r"\b\d+(\.\d+)?\b", rng.choice(_NUMBERS))


def _brackets(rng: Random, text: str) -> str:
    return _one_of(rng, text, r"[()\[\]{}:,]", rng.choice(_BRACKETS))


def _odd(rng: Random, text: str) -> str:
    return _put(rng, text, rng.choice(ODD_TEXTS))


def _deep(rng: Random, text: str) -> str:
    count = rng.choice([20, 99, 150, 1000, 20_000])
    piece: str = rng.choice(
        [
            "(" * count + "1" + ")" * count,
            "[" * count + "]" * count,
            "-" * count + "1",
            "not " * count + "x",
            "1" + "+1" * count,
            "x" + ".a" * count,
            "".join(" " * depth + "if 1:\n" for depth in range(min(count, 300))),
            "\n" + "\n".join("elif x:\n  pass" for _ in range(min(count, 3000))),
            "lambda: " * count + "1",
            "f'{" * min(count, 150) + "1" + "}'" * min(count, 150),
            "\ndef energy(x):\n" + " " * count + "return x\n",
        ]
    )
    return _put(rng, text, piece if rng.random() < 0.5 else f"\nvalue = {piece}\n")


def _huge(rng: Random, text: str) -> str:
    count = rng.choice([100, 5000, 100_000])
    pieces = [
        "9" * count,
        "0x" + "f" * count,
        "'" + "x" * count + "'",
        " " * count,
        "\n" * count,
        "\t" * count,
        "#" * count,
    ]
    pieces += [
        "\\" * count,
        "'" * count,
        "%" * count,
        "!" * count + "\n",
        "\n" + " " * count + "x = !ls\n",
        "a" + " " * count + "b",
    ]
    pieces += [
        "\n" + "a, " * count + "= !\n",
        "?" * count,
        "é" * count,
        "\nx = '" + "\\" * count + "\n",
        "(\n" * min(count, 150),
    ]
    return _put(rng, text, rng.choice(pieces))


# Changes that often leave a program that runs are drawn more often.
_CHANGES = (
    *(_lines, _tokens, _operators, _numbers) * 2,
    *(_cut, _tokens, _brackets, _odd, _deep, _huge),
)


def _one_of(rng: Random, text: str, pattern: str, new: str) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text + new
    match = rng.choice(found)
    return text[: match.start()] + new + text[match.end() :]


def _put(rng: Random, text: str, piece: str) -> str:
    place = rng.randrange(len(text) + 1)
    if rng.random() < 0.5:
        place = text.rfind("\n", 0, place) + 1
    return text[:place] + piece + text[place:]


def encoded(rng: Random, text: str) -> bytes:
    """The text in some encoding, with line ends of some system."""
    if rng.random() < 0.3:
        text = text.replace("\n", rng.choice(["\r\n", "\r", "\n\r", "\r\r\n"]))
    step = rng.randrange(12)
    if step == 0:
        return text.encode("utf-8-sig", "surrogatepass")
    if step == 1:
        return text.encode(rng.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32"]), "surrogatepass")
    if step == 2:
        return text.encode(rng.choice(["latin-1", "cp1252", "cp437", "koi8-r", "shift-jis"]), "replace")
    if step == 3:
        name = rng.choice(_CODINGS)
        return f"# -*- coding: {name} -*-\n".encode() + text.encode("utf-8", "surrogatepass")
    data = text.encode("utf-8", "surrogatepass")
    return mutated_bytes(rng, data) if step == 4 else data


def mutated_bytes(rng: Random, data: bytes) -> bytes:
    """The bytes with some changed, lost or doubled."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        start = rng.randrange(len(changed) + 1)
        end = min(len(changed), start + rng.choice([1, 1, 2, 4, 30]))
        step = rng.randrange(5)
        if step == 0 and start < len(changed):
            changed[start] ^= 1 << rng.randrange(8)
        elif step == 1:
            changed[start:end] = rng.randbytes(end - start)
        elif step == 2:
            del changed[start:end]
        elif step == 3:
            changed[start:start] = changed[start:end]
        else:
            del changed[start:]
    return bytes(changed)
