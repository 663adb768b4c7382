"""Put into words what a submission did: from an outcome and differences to what a student reads.

Every message says what happened, where in the student's file, and what to do. A hidden grader's
message holds no value, expected or actual.
"""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from collections.abc import Sequence

import numpy as np

from autograder.comparison import Difference, is_close
from autograder.exception_hints import hint
from autograder.feedback import Feedback
from autograder.manifest import Grader
from autograder.observation import Array, Failure, Frame, Observation
from autograder.relations import relation, show_shape
from autograder.sandbox.runner import Outcome

SHOWN_VALUES = 4
SHOWN_ROW = 8
GUARDED = 5  # what log(1e-12) and the like come to where infinity belongs is larger
_QUALIFIED_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def explain_ending(outcome: Outcome, grader: Grader) -> Feedback:
    """Words for a child that did not reply: which limit it met, or how it ended."""
    said = f"The last line it printed: {_last_line(outcome.output)}" if _last_line(outcome.output) else ""
    headline, help_text = _ENDINGS.get(outcome.ending, _ENDINGS["no reply"])
    if outcome.ending == "signal":
        headline, help_text = _SIGNALS.get(outcome.detail, (headline, help_text))
    return Feedback(
        verdict="failed",
        headline=headline.format(detail=outcome.detail, limits=grader.limits),
        help=help_text.format(detail=outcome.detail, limits=grader.limits),
        notes=(said,) if said else (),
        staff=(f"ending: {outcome.ending} ({outcome.detail})",),
    )


_ENDLESS = "Stopped after {detail}, which is all that a grader may take: your code did not come to an end by then."
_MEMORY = "A grader may use {limits.memory_mb} MB beside PyTorch itself. "
_LARGE_FILE = (
    "Your code wrote a file that is too large.",
    "A file may have {limits.file_mb} MB here. Write less, or nothing while grading.",
)
_SIGNALS = {
    "SIGKILL": (
        "Your code was killed, most likely for using too much memory.",
        _MEMORY + "Look for tensors that grow in a loop.",
    ),
    "SIGXFSZ": _LARGE_FILE,
}
_ENDINGS = {
    "time": (
        _ENDLESS,
        "Look for a loop whose condition never becomes false, or code that waits for input.",
    ),
    "cpu": (
        _ENDLESS,
        "Look for a loop whose condition never becomes false, or work that is repeated far too often.",
    ),
    "disk": (
        "Stopped: your code had written more than {detail}, which is all that a grader may write.",
        "Write fewer or smaller files while grading, and save once in place of at every step.",
    ),
    "signal": (
        "Your code crashed the Python interpreter ({detail}).",
        "Run the same call on your machine and look at the last line.",
    ),
    "exit": (
        "Your code ended the Python process itself (exit status {detail}).",
        "Remove os._exit() and the like: return from the function instead.",
    ),
    "no reply": (
        "Your code ended the Python process before the grader was done.",
        "Remove os._exit() and the like: return from the function instead.",
    ),
    "bad reply": (
        "What came back from your code's process was not the grader's own message.",
        "Do not write to file descriptors that your code did not open.",
    ),
    "harness": ("The sandbox itself failed: {detail}.", ""),
    "too much": (
        "What your code returned is larger than the {limits.reply_mb} MB that a grader looks at.",
        "Compare its shape with the handout's.",
    ),
}
# What a limit looks like from inside: (pattern over "Type: message", headline, help).
_LIMITS_MET = (
    (
        r"^MemoryError|can't allocate memory|\[Errno 12\]",
        "Your code asked for more memory than a grader may use.",
        _MEMORY + "Look for tensors that grow in a loop, or for a shape that is broadcast by mistake.",
    ),
    (r"\[Errno 27\]", *_LARGE_FILE),
    (
        r"\[Errno 24\]",
        "Your code has too many files open at a time.",
        "It may have {limits.open_files} open. Close each one, best with a `with` statement.",
    ),
    (
        r"can't start new thread",
        "Your code starts too many threads.",
        "It may have {limits.processes} at a time. Wait for those that you started, or do the work in one.",
    ),
)


def output_note(grader: Grader) -> str:
    """What to say of printed output that was cut."""
    return f"Your code printed more than the {grader.limits.output_kb} KB that are kept; the rest was cut. Print less."


def explain_failure(failure: Failure, grader: Grader) -> Feedback:
    """Words for a grader that stopped at an exception."""
    where = place(failure.frames[-1]) if failure.frames else ""
    told = failure.message and not grader.hidden  # an exception's text may hold the inputs
    text = f"{failure.type}: {failure.message}" if told else failure.type
    if failure.kind == "missing":
        return Feedback(verdict="failed", headline=failure.message or "Your file lacks a name.", where=where)
    if failure.kind == "syntax":
        what, _, line = failure.message.partition("\n")
        code = f"`{textwrap.dedent(line)}`" if line else ""
        return Feedback(verdict="failed", headline=f"Python could not read {what}.", actual=code)
    if failure.kind == "import":
        return Feedback(
            verdict="failed",
            headline=f"Your file imports a package that is not available here. {failure.message}.",
            where=where,
            help="Remove the import, or use one of the packages that the handout names.",
        )
    if failure.kind == "exit":
        name = "exit()" if failure.type == "SystemExit" else failure.type
        return Feedback(
            verdict="failed",
            headline=f"Your code ended the program ({name}) in the middle of this grader.",
            where=where,
            help='Return from the function instead of calling exit(); keep main() behind `if __name__ == "__main__":`.',
        )
    if failure.type == "NotImplementedError":
        function = _function(failure) or "This part"
        name = failure.message if _QUALIFIED_NAME.fullmatch(failure.message) else function
        return Feedback(
            verdict="failed",
            headline=f"`{name}` is not written yet.",
            where=where,
            help="Replace the raise with your code.",
        )
    for pattern, headline, help_text in _LIMITS_MET:
        if re.search(pattern, f"{failure.type}: {failure.message}"):
            return Feedback(
                verdict="failed",
                headline=headline,
                actual=text,
                where=where,
                help=help_text.format(limits=grader.limits),
            )
    if failure.kind == "loading":
        return Feedback(
            verdict="failed",
            headline="A statement at the top level of your file failed, and this grader needs it.",
            actual=text,
            where=where,
            help=hint(failure.type, failure.message),
        )
    if failure.frames:
        return Feedback(
            verdict="failed",
            headline=f"{_raised(failure)}{_asked(failure, grader)}.",
            actual=text,
            where=where,
            help=hint(failure.type, failure.message),
        )
    if re.search(r"positional argument|unexpected keyword", failure.message):
        return Feedback(
            verdict="failed",
            headline="A function takes other arguments than those of the template.",
            actual=text,
            help=hint(failure.type, failure.message),
        )
    return Feedback(
        verdict="failed",
        headline=f"The grader could not go on with what your code returned{_asked(failure, grader)}.",
        actual=text,
        where="" if grader.hidden else f"in the grader: {failure.grader_line}",
        help=hint(failure.type, failure.message)
        or "Compare what your function returns with the handout: type and shape.",
    )


def _raised(failure: Failure) -> str:
    """`kl` raised ValueError; of what is asked at points, the function that was asked comes first."""
    inner = _function(failure)
    outer = failure.frames[0].function if failure.point else inner
    if outer == inner or outer.startswith("<"):
        return f"`{inner}` raised {failure.type}"
    return f"`{outer}` raised {failure.type} in `{inner}`"


def _function(failure: Failure) -> str:
    """The innermost of the student's functions that has a name, which a lambda or a comprehension has not."""
    names = [frame.function for frame in failure.frames]
    return next((name for name in reversed(names) if not name.startswith("<")), names[-1] if names else "")


def _asked(failure: Failure, grader: Grader) -> str:
    return f" at {failure.point}" if failure.point and not grader.hidden else ""


def explain_differences(differences: Sequence[Difference], observation: Observation, grader: Grader) -> Feedback:
    """Words for an observation that matches no known behaviour."""
    if observation.failure is not None:
        return explain_failure(observation.failure, grader)
    first = differences[0]
    name = _spoken(first)
    # A probe that got nothing to go on with has not looked at the rest.
    more = [other for other in differences[1:] if other.aspect != "missing" or first.aspect not in ("type", "shape")]
    others = [f"`{_spoken(other)}`" for other in more[:3]]
    notes = (f"Also different: {', '.join(others)}{' …' if len(more) > 3 else '.'}",) if others else ()
    at_points = first.entry is not None and bool(first.entry.points) and not grader.hidden
    headline, expected, actual, help_text = _words_at_points(first, name) if at_points else _words(first, name)
    if grader.hidden:
        expected = actual = ""
        headline = f"`{name}` is another value." if first.aspect == "exact" else headline
        help_text = help_text if first.aspect in ("type", "dtype", "not finite") else ""
        notes = ()
    return Feedback(verdict="failed", headline=headline, expected=expected, actual=actual, help=help_text, notes=notes)


def _words(difference: Difference, name: str) -> tuple[str, str, str, str]:
    """(headline, expected, actual, help) for one difference."""
    wanted, got = difference.expected, difference.actual
    if difference.aspect == "missing":
        return f"The grader did not get to see `{name}`.", "", "", ""
    if difference.aspect == "type":
        expected = _show(wanted) if wanted is not None else ""
        if difference.detail == "NoneType":
            help_text = "If this is what your function returned: does every path through it end with a return?"
            return f"`{name}` is None.", expected, "None", help_text
        return f"`{name}` is of another type.", expected, difference.detail, "Compare it with what the docstring says."
    if difference.aspect == "exact" and difference.entry is not None:
        headline, expected, actual = describe_tree_difference(name, difference.entry.text, difference.detail)
        return headline, expected, actual, ""
    assert wanted is not None
    assert got is not None
    if difference.aspect == "shape":
        help_text = relation(wanted, got)
        return f"`{name}` has another shape.", f"shape {show_shape(wanted)}", f"shape {show_shape(got)}", help_text
    if difference.aspect == "dtype":
        help_text = "NumPy makes float64 and integers; convert with .float()." if wanted.dtype.kind == "f" else ""
        return f"`{name}` has another dtype.", str(wanted.dtype), difference.detail, help_text
    if difference.aspect == "not finite":
        count = int((~np.isfinite(got)).sum())
        return (
            f"`{name}` is not finite: {count} of {got.size} values are NaN or infinite.",
            _show(wanted),
            _show(got),
            "Look for log(0), a division by 0 or exp of a large number; clamp before the logarithm.",
        )
    if difference.aspect == "distribution":
        where = f" ({difference.detail} shown)" if difference.detail else ""
        headline = f"The draws in `{name}` do not have the right distribution{where}."
        return headline, _show_distribution(wanted), _show_distribution(got), ""
    if difference.aspect == "band" and difference.limits is not None:
        lower, upper = difference.limits
        side = difference.entry.side if difference.entry is not None else "both"
        bounds = [f"at least {_number(lower)}"] if side != "at_most" else []
        bounds += [f"at most {_number(upper)}"] if side != "at_least" else []
        return (
            f"`{name}` is outside of what right solutions reach.",
            " and ".join(bounds),
            _number(got),
            "",
        )
    spot = _worst(wanted, got)
    place = f" at [{', '.join(map(str, spot))}]" if spot else ""
    expected, actual = _told_apart(wanted[spot], got[spot])
    return f"`{name}` has other values.", f"{expected}{place}", f"{actual}{place}", relation(wanted, got)


def _words_at_points(difference: Difference, name: str) -> tuple[str, str, str, str]:
    """Words for values with one row per point: the first point at which they are wrong, and at how many they are."""
    entry, wanted, got = difference.entry, difference.expected, difference.actual
    if entry is None or wanted is None or difference.aspect == "dtype":
        return _words(difference, name)
    if got is None:
        nothing = difference.detail.startswith("None")
        help_text = "Return numbers, as the docstring in your template says."
        help_text = "Does every path through the function end with a return?" if nothing else help_text
        return f"`{name}` gives something else than it should.", _size(wanted[0]), difference.detail, help_text
    if wanted.shape != got.shape:
        rows = (wanted[0], got[0]) if got.ndim and len(got) == len(wanted) else (wanted, got)
        actual = f"{_size(rows[1])}: {_row(rows[1])}, at {entry.points[0]}"
        return f"`{name}` gives another number of values.", _size(rows[0]), actual, relation(wanted, got)
    right = np.array([is_close(row, other, entry.rtol, entry.atol) for row, other in zip(wanted, got, strict=True)])
    (wrong,) = np.nonzero(~right)
    first = wrong[0]
    others = len(right) - 1
    rest = f", and at {len(wrong) - 1} of {others} other points" if len(wrong) > 1 else ""
    rest = f" (right at the other {others} points)" if others and len(wrong) == 1 else rest
    headline = f"`{name}` is wrong at {entry.points[first]}{rest}."
    help_text = relation(wanted[wrong], got[wrong])
    if not help_text and (np.isinf(wanted[first]) & np.isfinite(got[first])).any():
        guarded = (
            " Does a small number inside a logarithm keep yours finite, a library that clamps probabilities, or a term "
            "that you left out?"
        )
        help_text = "The right value is infinite here." + (guarded if np.abs(got[first]).max() > GUARDED else "")
    if not help_text and np.isnan(got[first]).any():
        help_text = (
            "NaN comes of 0 · log 0, 0 / 0 and ∞ - ∞, and of SymPy's zoo, its log(0): say what these cases give "
            "before you compute them."
        )
    shown = [(_row(wanted[first], digits), _row(got[first], digits)) for digits in (4, 6, 9, 17)]
    expected, actual = next((pair for pair in shown if pair[0] != pair[1]), shown[0])
    return headline, expected, actual, help_text


def _size(row: Array) -> str:
    return f"{row.size} numbers" if row.ndim == 1 else f"shape {show_shape(row)}" if row.ndim else "one number"


def _row(row: Array, digits: int = 4) -> str:
    """One number, or a short vector in brackets."""
    if not row.ndim:
        return _number(row, max(digits, 6))
    values = ", ".join(_number(value, digits) for value in row.reshape(-1)[:SHOWN_ROW])
    return f"[{values}{', …' if row.size > SHOWN_ROW else ''}]"


def describe_tree_difference(name: str, expected: str, actual: str) -> tuple[str, str, str]:
    """(headline, expected, actual) for two exact values given as JSON; lists are aligned first."""
    try:
        wanted, got = json.loads(expected), json.loads(actual)
        if isinstance(wanted, list) and isinstance(got, list):
            return _describe_lists(name, wanted, got)
        if isinstance(wanted, dict) and isinstance(got, dict):
            return _describe_dicts(name, wanted, got)
        return f"`{name}` is another value.", _item(wanted), _item(got)
    except (ValueError, RecursionError):  # no JSON, or nested too deep
        return f"`{name}` is another value.", _plain(expected), _plain(actual)


def _describe_dicts(name: str, wanted: dict[str, object], got: dict[str, object]) -> tuple[str, str, str]:
    texts, others = ({key: json.dumps(item) for key, item in tree.items()} for tree in (wanted, got))
    keys = [key for key in {**wanted, **got} if texts.get(key) != others.get(key)][:3]

    def shown(tree: dict[str, object]) -> str:
        return ", ".join(f"{key} {_item(tree[key])}" if key in tree else f"no {key}" for key in keys)

    return f"`{name}` differs in {', '.join(keys)}.", shown(wanted), shown(got)


def _describe_lists(name: str, wanted: list[object], got: list[object]) -> tuple[str, str, str]:
    texts = [json.dumps(item, sort_keys=True) for item in wanted]
    others = [json.dumps(item, sort_keys=True) for item in got]
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, texts, others, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        missing, extra = wanted[i1:i2], got[j1:j2]
        one = i2 - i1 <= 1
        position = f"number {i1 + 1}" if one else f"numbers {i1 + 1} to {i2}"
        if tag == "delete":
            return f"`{name}`: {position} {'is' if one else 'are'} missing.", _items(missing), "nothing there"
        if tag == "insert":
            many = "one" if len(extra) == 1 else f"{len(extra)}"
            place = f"after number {i1}" if i1 else "at the beginning"
            return f"`{name}`: there is {many} too many {place}.", "nothing there", _items(extra)
        return f"`{name}` differs at {position}.", _items(missing), _items(extra)
    return f"`{name}` is another value.", _items(wanted), _items(got)


def _items(items: Sequence[object]) -> str:
    return "; ".join(_item(item) for item in items[:3]) + (" …" if len(items) > 3 else "")


def _item(item: object) -> str:
    """A layer {"layer": "Conv2d", "padding": [1, 1]} reads as Conv2d(padding [1, 1])."""
    if isinstance(item, dict):
        pairs = [(key, value) for key, value in item.items() if key != "layer"]
        inside = ", ".join(f"{key} {_item(value)}" for key, value in pairs)
        return f"{item['layer']}({inside})" if "layer" in item else inside
    if isinstance(item, list) and len(item) > 1 and all(part == item[0] for part in item):
        return "×".join(str(part) for part in item) if len(item) <= 3 else str(item)
    if isinstance(item, bool):
        return "yes" if item else "no"
    return str(item)


def place(frame: Frame) -> str:
    """`hw3_gan.py, line 31, in forward: x = self.fc(x)`."""
    function = "" if frame.function == "<module>" else f", in {frame.function}"
    code = f": {frame.code}" if frame.code else ""
    return f"{frame.file}, line {frame.line}{function}{code}"


def _spoken(difference: Difference) -> str:
    entry = difference.entry
    if entry is None:
        return "the result"
    return entry.name if entry.points or "(" in entry.name else entry.name.replace("_", " ")


def _worst(wanted: Array, got: Array) -> tuple[int, ...]:
    """Where two arrays of one shape differ most."""
    if not wanted.ndim:
        return ()
    with np.errstate(all="ignore"):
        gap = np.abs(wanted.astype(np.float64) - got.astype(np.float64))
    same = (wanted == got) | (np.isnan(wanted) & np.isnan(got))
    flat = int(np.argmax(np.where(same, -1.0, np.where(np.isnan(gap), np.inf, gap))))
    return tuple(int(index) for index in np.unravel_index(flat, wanted.shape))


def _show(array: Array) -> str:
    if not array.ndim:
        return _number(array)
    values = ", ".join(_number(value) for value in array.reshape(-1)[:SHOWN_VALUES])
    return f"shape {show_shape(array)}: {values}{', …' if array.size > SHOWN_VALUES else ''}"


def _show_distribution(draws: Array) -> str:
    flat = draws.astype(np.float64).reshape(-1)
    return f"mean {flat.mean():.3g}, standard deviation {flat.std():.3g}, from {flat.min():.3g} to {flat.max():.3g}"


def _number(value: Array, digits: int = 6) -> str:
    array = np.asarray(value)
    if array.ndim:
        return ", ".join(_number(item, digits) for item in array.reshape(-1)[:SHOWN_VALUES])
    return str(array.item()) if array.dtype.kind in "iub" else f"{float(array):.{digits}g}"


def _told_apart(first: Array, second: Array) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ."""
    pairs = [(_number(first, digits), _number(second, digits)) for digits in (6, 9, 17)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def _plain(text: str) -> str:
    return text[:300]


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
