"""Student's files as modules whose names load when they are asked for. Runs where the student's code runs.

`hw3_gan.DNet` executes the slice of `DNet` (see slicing.py) in the module's own namespace, minus the statements that
ran before. What comes out is what a plain import would have given, but for the statements that nobody asked for.

Cells of a notebook may stand in another order than they were run in: where a cell needs at once a name that only a
later cell binds, that one runs first. A script has no such second chance.

A name that is bound several times has, while an earlier statement is made up for, the value that it had at that place
of the file; so the order in which names are asked for does not matter. (State inside objects is not turned back.)

Tracebacks and `inspect.getsource` show the student's file: sources are registered with linecache.
"""

from __future__ import annotations

import ast
import difflib
import dis
import importlib.abc
import importlib.machinery
import linecache
import re
import sys
import types
import warnings
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn

from autograder.slicing import Chunk, Program, Slice, Statement, SyntaxProblem

_IMPORT_FROM = dis.opmap["IMPORT_FROM"]


class MissingName(AttributeError):  # noqa: N818 - the word that all messages use
    """A name that the student's file does not define.

    `suggestions` are names of the file that the student may have meant, the best first. `reason` is a plain sentence
    where something is known: a syntax error at the definition, a file that is not there, a branch that did not run.
    `broken` is the piece of source that Python could not read and that probably defines the name.
    """

    def __init__(
        self,
        module: str,
        name: str,
        suggestions: Sequence[str] = (),
        reason: str = "",
        file: str = "",
        broken: SyntaxProblem | None = None,
    ) -> None:
        self.module = module
        self.suggestions = tuple(suggestions)
        self.reason = reason
        self.file = file or module
        self.broken = broken
        hint = f" Did you mean {self.suggestions[0]}?" if self.suggestions else ""
        super().__init__(f"{self.file} does not define {name}.{hint}{' ' if reason else ''}{reason}", name=name)
        self.name: str = name


class AbsentImport:
    """Stands for a name whose import failed. Using it raises the ImportError, with the import's own line.

    So an import that fails costs the code that uses it, and no other: a plotting package that is not installed does not
    cost the class one of whose methods plots.
    """

    def __init__(self, error: ImportError) -> None:
        self.__dict__["_error"] = error
        self.__dict__["_trace"] = error.__traceback__

    def fail(self, *_: object, **__: object) -> NoReturn:
        """Raise the import's error."""
        raise self.__dict__["_error"].with_traceback(self.__dict__["_trace"])

    def __getattr__(self, name: str) -> NoReturn:
        """Any attribute, and being a base class, is use; other special methods it just does not have."""
        if name.startswith("__") and name.endswith("__") and name != "__mro_entries__":
            raise AttributeError(name)
        self.fail()

    __call__ = __getitem__ = __setattr__ = __iter__ = __bool__ = __enter__ = fail


class StudentModule(types.ModuleType):
    """A module made of `chunks` whose top-level names load lazily.

    `file` is the path that the module shows as `__file__`. `problem` says why there is nothing to load (no file, two
    files); every name is then missing for this reason. A name of `required` is never suggested in place of another.
    """

    def __init__(
        self, name: str, chunks: Iterable[Chunk], file: str = "", problem: str = "", required: Sequence[str] = ()
    ) -> None:
        super().__init__(name)
        chunks = tuple(chunks)
        self.__file__ = file or (chunks[0].file if chunks else f"{name}.py")
        self.__dict__["_loader_state"] = _State(self, chunks, problem, frozenset(required))
        for chunk in chunks:
            register_source(chunk.filename, chunk.text)
        if self.__file__ not in {chunk.filename for chunk in chunks}:
            register_source(self.__file__, "\n\n".join(chunk.text for chunk in chunks))

    def __getattr__(self, name: str) -> Any:
        """Load `name`. Raises MissingName, or whatever the student's statements raise."""
        state: _State = self.__dict__["_loader_state"]
        if name == "__all__":
            return state.public_names()
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        try:
            return state.load(name)
        except AttributeError as error:
            # `from hw3_gan import DNet` would turn it into an ImportError that has forgotten the reason.
            caller = sys._getframe(1)
            if caller.f_lasti >= 0 and caller.f_code.co_code[caller.f_lasti] == _IMPORT_FROM:
                text = f"cannot import {name} from {self.__name__}: {error}"
                raise ImportError(text, name=self.__name__, path=self.__file__) from error
            raise

    def asked(self) -> tuple[str, ...]:
        """The names that were asked of this module so far, sorted."""
        state: _State = self.__dict__["_loader_state"]
        return tuple(sorted(state.asked))

    def __setattr__(self, name: str, value: object) -> None:
        """Set `name` for good: it is loaded first, so that its own statement cannot overwrite it later."""
        state: _State | None = self.__dict__.get("_loader_state")
        if state is not None and name not in self.__dict__:
            state.settle(name)
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        """Names that are loaded, and names that could be."""
        return sorted({*self.__dict__, *self.__dict__["_loader_state"].program.names()} - {"_loader_state"})


class _State:
    """What a StudentModule knows about its program, and how far it is executed.

    A name is in the module's namespace only when all of its statements ran. What a statement binds besides (`a` of
    `a, b = f()` when `b` was asked for) is laid aside until it is asked for too.
    """

    def __init__(
        self, module: StudentModule, chunks: tuple[Chunk, ...], problem: str, required: frozenset[str]
    ) -> None:
        self.module = module
        self.required = required
        self._chunks = chunks
        self.problem = problem
        self.asked: set[str] = set()
        self._started: set[int] = set()  # statements that ran or are running
        self._running: list[Statement] = []
        self._loaded: set[str] = set()  # names whose statements all ran
        self._loading: list[frozenset[str]] = []  # needs of the calls of `load` that are under way
        self._aside: dict[str, Any] = {}
        self._history: dict[str, list[tuple[int, Any]]] = {}  # values of names bound several times, by statement
        self._furthest = -1  # the last statement of the file that ran
        self._turned_back = False

    @cached_property
    def program(self) -> Program:
        """The file's statements; read when the first name is asked for, as a grader asks few of the files for one."""
        return Program.parse(self._chunks)

    @cached_property
    def _rebound(self) -> frozenset[str]:
        return _rebound_names(self.program.statements)

    def load(self, name: str) -> Any:
        """Execute what `name` needs and return its value."""
        self.asked.add(name)
        if self.problem:
            raise MissingName(self.module.__name__, name, (), self.problem, self.module.__file__ or "")
        wanted = self.program.slice([name])
        if name in wanted.unresolved and not any(statement.star for statement in wanted.statements):
            raise self._missing(name, wanted)
        self._loading.append(wanted.needed)
        try:
            self._execute(wanted)
            self._loaded |= wanted.needed
        except NameError as error:
            if not self._circular(wanted):
                raise
            raise self._missing(name, wanted) from error
        finally:
            self._loading.pop()
            self._lay_aside(wanted)
        try:
            value = self.module.__dict__[name]
        except KeyError:
            raise self._missing(name, wanted) from None
        if isinstance(value, AbsentImport):
            value.fail()
        return value

    def settle(self, name: str) -> None:
        """Make sure that no statement that is still to come binds `name`."""
        try:
            self.load(name)
        except Exception:
            self._started.update(statement.index for statement in self.program.bindings(name))
            self._loaded.add(name)
            self._aside.pop(name, None)

    def public_names(self) -> list[str]:
        """What `from module import *` brings: `__all__`, or the public names that load and run nothing."""
        if self.program.binds("__all__"):
            return list(self.load("__all__"))
        every = {name for statement in self.program.statements if not statement.guarded for name in statement.strong}
        names = []
        for name in sorted(every):
            if name.startswith("_") or (name not in self.module.__dict__ and self.program.runs(name)):
                continue
            try:
                self.load(name)
            except Exception:
                continue
            names.append(name)
        return names

    def _execute(self, wanted: Slice) -> None:
        namespace = self.module.__dict__
        for name in wanted.needed & self._aside.keys():
            value = self._aside.pop(name)
            namespace[name] = self._history[name][-1][1] if name in self._history else value
        present = {name: namespace[name] for name in self._history if name in namespace}
        latest = {name: values[-1][0] for name, values in self._history.items()}
        try:
            for statement in wanted.statements:
                if statement.index not in self._started:
                    self._run_with_later_cells(statement, wanted)
        finally:
            if self._turned_back:
                self._go_to(len(self.program.statements))
                self._turned_back = False
            for name, value in present.items():
                if self._history[name][-1][0] == latest[name]:
                    namespace[name] = value

    def _run_with_later_cells(self, statement: Statement, wanted: Slice) -> None:
        """Run a statement; where it lacks a name that only a later cell of `wanted` binds, run that one first."""
        waiting = [statement]
        while waiting:
            if waiting[-1].index < self._furthest or self._turned_back:
                self._go_to(waiting[-1].index)
            try:
                self._run(waiting[-1], wanted)
            except NameError as error:
                later = self._not_run_yet(error.name or "", waiting, wanted)
                if later is None:
                    raise
                waiting.append(later)
            else:
                waiting.pop()

    def _not_run_yet(self, name: str, waiting: Sequence[Statement], wanted: Slice) -> Statement | None:
        """The first statement that binds `name`, and is not below the last one of `waiting` in the same cell."""
        last = waiting[-1]
        for statement in wanted.statements:
            below = statement.chunk is last.chunk and statement.index > last.index
            fresh = statement.index not in self._started and statement not in waiting
            if name in statement.bound and fresh and not below:
                return statement
        return None

    def _run(self, statement: Statement, wanted: Slice) -> None:
        namespace = self.module.__dict__
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.Module(body=[statement.node], type_ignores=[])
            code = compile(tree, statement.filename, "exec", wanted.flags, dont_inherit=True)
        rebound = statement.bound & self._rebound
        before = {name: namespace[name] for name in rebound if name in namespace}
        self._started.add(statement.index)
        self._running.append(statement)
        try:
            exec(code, namespace)
        except ImportError as error:
            self._started.discard(statement.index)
            if not statement.is_import:
                raise
            self._stand_in(statement, wanted, error)
        except BaseException:
            self._started.discard(statement.index)
            raise
        finally:
            self._running.pop()
        self._furthest = max(self._furthest, statement.index)
        branches = isinstance(statement.node, (ast.If, ast.Try, ast.For, ast.While, ast.Match))
        for name in rebound & namespace.keys():
            if not (branches and name in before and namespace[name] is before[name]):  # else it took another branch
                insort(self._history.setdefault(name, []), (statement.index, namespace[name]), key=_position)

    def _stand_in(self, statement: Statement, wanted: Slice, error: ImportError) -> None:
        """Bind what an import would have bound to what fails when it is used."""
        namespace = self.module.__dict__
        if not statement.star:
            self._started.add(statement.index)
        for name in wanted.unresolved if statement.star else statement.bound:
            package = sys.modules.get(name) if statement.submodule else None
            if name not in namespace:
                namespace[name] = package or AbsentImport(error)

    def _go_to(self, index: int) -> None:
        """Give every name that is bound several times its value before statement `index`."""
        self._turned_back = True
        for name, values in self._history.items():
            before = bisect_left(values, index, key=_position)
            if before and name not in self._aside:
                self.module.__dict__[name] = values[before - 1][1]

    def _lay_aside(self, wanted: Slice) -> None:
        """Take names out of the namespace that the statements of `wanted` bound, but not in full."""
        bound = {
            name for statement in wanted.statements if statement.index in self._started for name in statement.bound
        }
        for name in bound.difference(self._loaded, *self._loading) & self.module.__dict__.keys():
            self._aside[name] = self.module.__dict__.pop(name)

    def _circular(self, wanted: Slice) -> bool:
        return any(statement in self._running for statement in wanted.statements)

    def _missing(self, name: str, wanted: Slice) -> MissingName:
        program = self.program
        lowered = name.lower().replace("_", "")
        names = [other for other in program.names() if other != name and other not in self.required]
        alike = [other for other in names if other.lower().replace("_", "") == lowered]
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.7)
        reason = ""
        mentions = re.compile(
            rf"^\s*(?:(?:async\s+)?def|class)\s+{re.escape(name)}\b|^{re.escape(name)}\s*[:=]"
            rf"|^\s*\w+\s+{re.escape(name)}\b.*:\s*$",
            re.MULTILINE,
        )
        cells = {chunk.filename: chunk for chunk in program.chunks if chunk.file != chunk.filename}
        broken = [
            problem
            for problem in program.problems
            if problem.filename not in cells or mentions.search(cells[problem.filename].text)
        ]
        bindings = [statement for statement in wanted.statements if name in statement.bound]
        if self._circular(wanted):
            reason = "It was asked for while it was still being defined: the files import each other."
        elif bindings:
            reason = f"It is defined on line {bindings[0].first_line}, under a condition that did not hold."
        elif broken:
            reason = f"Python could not read {broken[0]}"
        elif not program.statements:
            reason = "The file has no code."
        elif program.binds("main") and re.search(
            rf"^[ \t]+(?:def|class)\s+{re.escape(name)}\b", _all(program), re.MULTILINE
        ):
            reason = "There is one inside a function or class; define it at the top level of the file."
        elif cells and not alike and not close:
            reason = "If its cell was deleted, copy it from the template."
        return MissingName(
            self.module.__name__,
            name,
            tuple(dict.fromkeys(alike + close)),
            reason,
            self.module.__file__ or "",
            broken=broken[0] if broken and not bindings else None,
        )


class SubmissionFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the given modules by name, a hyphen being as good as an underscore."""

    def __init__(self, modules: Mapping[str, types.ModuleType]) -> None:
        self._modules = dict(modules)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: types.ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for a module that was given, else None."""
        module = self._modules.get(fullname.replace("-", "_"))
        if module is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=module.__file__)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """The module that was given."""
        return self._modules[spec.name.replace("-", "_")]

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing: names load when they are asked for."""


def install(modules: Mapping[str, types.ModuleType]) -> None:
    """Make `modules` (by name, with underscores) importable, before anything of the same name on the path."""
    others = [finder for finder in sys.meta_path if not isinstance(finder, SubmissionFinder)]
    sys.meta_path[:] = [SubmissionFinder(modules), *others]
    sys.modules.update(modules)


def register_source(filename: str, text: str) -> None:
    """Let tracebacks and inspect show `text` for `filename`."""
    lines = [line + "\n" for line in text.split("\n")]
    linecache.cache[filename] = (len(text), None, lines, filename)


def _rebound_names(statements: Iterable[Statement]) -> frozenset[str]:
    seen: set[str] = set()
    again: set[str] = set()
    for statement in statements:
        again |= seen & statement.bound
        seen |= statement.bound
    return frozenset(again)


def _position(entry: tuple[int, Any]) -> int:
    return entry[0]


def _all(program: Program) -> str:
    return "\n".join(chunk.text for chunk in program.chunks)
