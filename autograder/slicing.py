"""Which top-level statements a name needs.

A student's file trains at import, parses `sys.argv`, loads a checkpoint that is not there and imports packages that
nobody has. None of it matters to the class that a grader asks for, so only the statements that this class needs run.
The same analysis cuts a grader out of its test file.

The unit is the top-level statement. A statement *binds* names and *uses* names; a slice is the closure of "uses" over
"binds", in source order. The rules:

- Strong bindings (def, class, import, assignment, also inside `with`, `try` and `if`) of a needed name are all taken.
  A binding that trains (`model = train(model)`) is left out where another one exists.
- Weak bindings (inside a loop, by `:=`) count only where there is no strong one, and a loop that trains is not taken
  for a name that was not asked for by itself.
- What stands under `if __name__ == "__main__":` is taken statement by statement, for names that are bound nowhere else.
- Changing a name belongs to it: `Net.forward = f`, `cfg["x"] = 1`, `layers.append(...)`, `nn.init.zeros_(net.bias)`,
  `setattr(Net, ...)`, also inside a loop or an `if`; but not where something is run (`RUNNING_WORDS`).
- A method call on an imported module (`plt.figure()`) is no change of it.
- Statements that set global state (`STATE_CALLS`, `STATE_TARGETS`) run when something after them is needed, unless they
  need something that is run themselves (`torch.manual_seed(parser.parse_args().seed)`).
- A star import is taken when a needed name is found nowhere else. `from __future__` is always taken.
- One import statement of several names counts as several statements.

Nothing here executes anything, and every walk is iterative or bounded by Python's own nesting limits.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: A call whose name has one of these words (split at underscores and capitals) runs something rather than sets it up.
RUNNING_WORDS = _words(
    """
    animate backward display download draw evaluate exit fit forward generate input interpolate launch load log login
    main mount optimize parse plot print quit reconstruct run sample save savefig show sleep start step summary test
    train training validate visualise visualize wait
    """
)
#: The part of RUNNING_WORDS for which a rebinding is left out where the name is bound elsewhere too.
TRAINING_WORDS = _words("fit main train training")
#: `train_test_split`, `get_train_loader`, `load_data`: beside one of DATA_WORDS, a word of DATA_VERBS runs nothing.
DATA_WORDS = _words("data dataset images labels loader set split transform")
DATA_VERBS = _words("load sample test train training validate")
#: Calls, by the full path of what is called, that set global state.
STATE_CALLS = _words(
    """
    torch.set_default_dtype torch.set_default_tensor_type torch.set_default_device torch.set_num_threads
    torch.manual_seed torch.random.manual_seed torch.seed torch.cuda.manual_seed torch.cuda.manual_seed_all
    torch.set_printoptions
    torch.set_grad_enabled torch.use_deterministic_algorithms torch.set_deterministic torch.set_float32_matmul_precision
    torch.autograd.set_detect_anomaly numpy.random.seed numpy.set_printoptions numpy.seterr random.seed
    matplotlib.use matplotlib.rc matplotlib.rcParams.update matplotlib.style.use matplotlib.pyplot.rc
    matplotlib.pyplot.rcParams.update matplotlib.pyplot.style.use matplotlib.pyplot.switch_backend matplotlib.pyplot.ion
    matplotlib.pyplot.ioff warnings.filterwarnings warnings.simplefilter sys.path.append sys.path.insert sys.path.extend
    sys.setrecursionlimit os.environ.setdefault os.environ.update os.putenv os.makedirs os.mkdir
    """
)
#: Assignments to these, or to something inside them, set global state.
STATE_TARGETS = ("torch.backends", "matplotlib.rcParams", "matplotlib.pyplot.rcParams", "os.environ", "sys.path")
#: State of these packages matters only to code that uses them, so it never causes their import.
STATE_ONLY_WITH_USE = ("matplotlib",)

_IMPLICIT = frozenset(dir(builtins)) | {
    "__name__", "__file__", "__doc__", "__package__", "__loader__", "__spec__", "__builtins__", "__annotations__",
    "__debug__", "__class__", "__path__", "__cached__", "__qualname__", "__module__",
}  # fmt: skip
_DYNAMIC = frozenset({"globals", "eval", "exec"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_TRIES: tuple[type[ast.AST], ...] = (ast.Try, *((ast.TryStar,) if hasattr(ast, "TryStar") else ()))
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_WITHS = (ast.With, ast.AsyncWith)
#: Nodes that have to do with names and scopes; all others are only walked through.
_SCOPED = frozenset(
    (
        *(ast.Name, ast.Constant, ast.Attribute, *_FUNCTIONS, ast.Lambda, ast.ClassDef, *_COMPREHENSIONS, ast.alias),
        *(ast.NamedExpr, ast.AnnAssign, ast.AugAssign, ast.Global, ast.Nonlocal, ast.ExceptHandler),
        *(ast.MatchAs, ast.MatchStar, ast.MatchMapping, *([ast.TypeAlias] if hasattr(ast, "TypeAlias") else [])),
    )
)
_TYPE_ALIAS: type[ast.AST] | None = getattr(ast, "TypeAlias", None)
_ANNOTATIONS = int(__future__.annotations.compiler_flag)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: What begins the number of a cell in a chunk's filename, such as `hw3.ipynb[cell 3]`.
CELL = "[cell "
_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: [^\n]{0,80})?$", re.M)
_PARSE_ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


class SourceError(Exception):
    """Source that cannot be sliced as asked: the text says which name in which file."""


@dataclass(frozen=True)
class Chunk:
    """A piece of source that stands or falls as one: a script, or one cell of a notebook.

    `filename` is what a traceback shows, such as `hw3_gan.py` or `hw3.ipynb[cell 3]`. Line ends are brought to `\\n`
    and a byte-order mark is dropped.
    """

    filename: str
    text: str

    def __post_init__(self) -> None:
        """Bring the text to one form."""
        text = self.text.replace("\r\n", "\n").replace("\r", "\n")
        object.__setattr__(self, "text", text.removeprefix("\ufeff"))

    @property
    def file(self) -> str:
        """The file that the chunk is from: `hw3.ipynb` for a cell of it."""
        return self.filename.partition(CELL)[0]

    @cached_property
    def lines(self) -> list[str]:
        """The lines as Python counts them, without their ends."""
        return self.text.split("\n")


@dataclass(frozen=True)
class SyntaxProblem:
    """A chunk that Python cannot read. `line` and `column` count from 1; `column` is 0 where it is unknown."""

    filename: str
    line: int
    column: int
    source_line: str
    message: str

    def __str__(self) -> str:
        """One line, and the source line with a caret below it where they are known."""
        head = f"{self.filename}, line {self.line}: {self.message}"
        if not self.source_line.strip():
            return head
        body = self.source_line.rstrip()[:200]
        if not 0 < self.column <= len(body) + 1:
            return f"{head}\n    {body.strip()}"
        indent = len(body) - len(body.lstrip())
        return f"{head}\n    {body.lstrip()}\n    {' ' * max(0, self.column - 1 - indent)}^"


@dataclass(eq=False)
class Statement:
    """One top-level statement (or one under the main guard) of a program.

    `strong`, `weak` and `changes` are the names that it binds or changes; `uses`, the names that it needs, is found
    only for statements that some slice takes. `node` keeps the line numbers of the file.
    """

    index: int
    chunk: Chunk
    node: ast.stmt
    guarded: bool = False
    split: bool = False
    undecorated: bool = False
    lazy_annotations: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    star: bool = False
    submodule: str = ""
    is_import: bool = False

    @property
    def filename(self) -> str:
        """The display name of the chunk that the statement is from."""
        return self.chunk.filename

    @property
    def first_line(self) -> int:
        """The line on which the statement starts, decorators included, counted from 1."""
        decorators: list[ast.expr] = [] if self.undecorated else getattr(self.node, "decorator_list", [])
        return min([self.node.lineno, *(decorator.lineno for decorator in decorators)])

    @property
    def bound(self) -> frozenset[str]:
        """All names that the statement binds."""
        return self.strong | self.weak

    @cached_property
    def facts(self) -> _Facts:
        """What the statement uses."""
        return _Scanner(self.lazy_annotations).statement(self.node)

    @property
    def uses(self) -> frozenset[str]:
        """Global names that running the statement, or calling what it defines, may look up."""
        return frozenset(self.facts.used)

    @cached_property
    def calls(self) -> frozenset[str]:
        """Last parts of the names that are called when the statement runs; bodies of functions are not entered."""
        return frozenset(_called_names([self.node], enter_functions=False))

    @property
    def is_wrapped(self) -> bool:
        """Whether `text` puts an `if True:` around the statement, which stands indented in the file."""
        return _is_block(self.node) and self.node.col_offset > 0

    def text(self) -> str:
        """The statement's own source text; several lines of a block under the main guard come under `if True:`."""
        if self.split:
            return ast.unparse(self.node)
        first, last = self.first_line, self.node.end_lineno or self.node.lineno
        lines = self.chunk.lines[first - 1 : last]
        if _is_block(self.node):
            body = "\n".join(lines)
            return f"if True:\n{body}" if self.is_wrapped else body
        end = self.node.end_col_offset
        lines[-1] = lines[-1].encode("utf-8", "surrogatepass")[:end].decode("utf-8", "surrogatepass")
        lines[0] = lines[0].encode("utf-8", "surrogatepass")[self.node.col_offset :].decode("utf-8", "surrogatepass")
        return "\n".join(lines)


@dataclass(frozen=True)
class Slice:
    """Statements in source order, and the names that no statement of the program binds.

    Where `statements` has a star import, it may still bring the unresolved names. `needed` are all names that were
    looked for, those asked for and those that the statements use. `flags` are the compiler flags of the program's
    `from __future__` imports.
    """

    statements: tuple[Statement, ...]
    unresolved: frozenset[str]
    needed: frozenset[str]
    flags: int = 0

    def source(self, *, keep_lines: bool = False) -> str:
        """The text of the slice.

        With `keep_lines`, statements of a one-chunk program stand on their original lines (but for blocks under a main
        guard, which may push what follows down).
        """
        parts: list[str] = []
        at = 1  # the line on which the next text would begin
        joinable = False
        for statement in self.statements:
            text = statement.text()
            start = statement.first_line - statement.is_wrapped
            simple = not _is_block(statement.node)
            if keep_lines and start < at and simple and joinable:
                parts[-1] = parts[-1].rstrip("\n") + "; "
                at -= 1
            elif keep_lines and start > at:
                parts.append("\n" * (start - at))
                at = start
            parts.append(text + "\n")
            at += text.count("\n") + 1
            joinable = simple
        return "".join(parts)

    def digest(self) -> str:
        """SHA-256 (hex) of what the statements mean: comments, layout and line numbers do not count."""
        digest = hashlib.sha256()
        for statement in self.statements:
            try:
                image = ast.dump(statement.node)
            except RecursionError:
                image = statement.text()
            digest.update(image.encode("utf-8", "surrogatepass") + b"\0")
        return digest.hexdigest()


@dataclass(eq=False)
class Program:
    """The top-level statements of a file, or of all cells of a notebook, and the chunks that could not be read."""

    chunks: tuple[Chunk, ...]
    statements: tuple[Statement, ...]
    problems: tuple[SyntaxProblem, ...]
    flags: int = 0
    _index: _Index = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the statements by name."""
        self._index = _Index(self.statements)

    @classmethod
    def parse(cls, chunks: Iterable[Chunk]) -> Program:
        """Read `chunks` in order. A chunk with a syntax error is kept in `problems` and costs nothing else."""
        chunks = tuple(chunks)
        parsed: list[tuple[Chunk, list[ast.stmt]]] = []
        problems: list[SyntaxProblem] = []
        for chunk in chunks:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    parsed.append((chunk, ast.parse(chunk.text, chunk.filename).body))
            except _PARSE_ERRORS as error:
                problems.append(_problem(chunk, error))
        flags: int = 0
        for _, body in parsed:
            for node in body:
                if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                    for alias in node.names:
                        feature = getattr(__future__, alias.name, None)
                        flags |= int(getattr(feature, "compiler_flag", 0))
        lazy = bool(flags & _ANNOTATIONS)
        statements: list[Statement] = []
        for chunk, body in parsed:
            walrus = ":=" in chunk.text
            for node, guarded in _unfold(body):
                for part, split in _split_import(node):
                    statement = Statement(len(statements), chunk, part, guarded, split, lazy_annotations=lazy)
                    _describe(statement, walrus)
                    statements.append(statement)
        return cls(chunks, tuple(statements), tuple(problems), flags)

    def names(self) -> tuple[str, ...]:
        """The names that the top level binds, in order of first binding, without those of imports."""
        seen: dict[str, None] = {}
        for statement in self.statements:
            if not statement.is_import:
                seen.update(dict.fromkeys(sorted(statement.bound)))
        return tuple(seen)

    def binds(self, name: str) -> bool:
        """Whether some top-level statement, an import included, binds `name`."""
        return self._index.binds(name)

    def bindings(self, name: str) -> tuple[Statement, ...]:
        """The statements that a slice of `name` takes to bind it."""
        return tuple(self._index.bindings(name, asked=True))

    def slice(self, names: Iterable[str]) -> Slice:
        """What `names` need. Names that the program does not bind are in `unresolved`, and cost nothing."""
        closure = _Closure(self._index)
        closure.ask(names)
        closure.add_state()
        return closure.result(self.flags)

    def runs(self, name: str) -> bool:
        """Whether loading `name` would run something: train, plot, parse arguments, read a checkpoint."""
        return any(self._index.runs(statement) for statement in self.slice([name]).statements)


def slice_function(program: Program, name: str, strip_decorators: bool = True) -> Slice:
    """What the top-level function `name` needs, without its own decorators and what only they need.

    Raises SourceError where the program has no such function.
    """
    found = [s for s in program.statements if isinstance(s.node, _FUNCTIONS) and s.node.name == name and not s.guarded]
    if not found:
        where = ", ".join(chunk.filename for chunk in program.chunks)
        raise SourceError(f"{where} has no top-level function {name!r}")
    function = found[-1]
    if strip_decorators:
        node = function.node
        assert isinstance(node, _FUNCTIONS)
        fields = {key: getattr(node, key) for key in node._fields if hasattr(node, key)}
        bare = ast.copy_location(type(node)(**{**fields, "decorator_list": []}), node)
        function = Statement(
            function.index,
            function.chunk,
            bare,
            undecorated=True,
            lazy_annotations=function.lazy_annotations,
            strong=function.strong,
        )
    closure = _Closure(program._index)
    closure.needed.add(name)
    closure.take(function)
    closure.ask(())
    closure.add_state()
    return closure.result(program.flags)


# --- reading: from nodes to bound names -------------------------------------------------------------------------------


def _problem(chunk: Chunk, error: BaseException) -> SyntaxProblem:
    """A parse error as data."""
    conflict = _CONFLICT.search(chunk.text)
    if conflict:
        line = chunk.text.count("\n", 0, conflict.start()) + 1
        return SyntaxProblem(
            chunk.filename, line, 0, conflict.group(), "git left its conflict markers here; finish the merge"
        )
    if isinstance(error, SyntaxError):
        line = error.lineno or 1
        known = chunk.lines[line - 1] if 0 < line <= len(chunk.lines) else ""
        return SyntaxProblem(chunk.filename, line, error.offset or 0, known[:1000], error.msg or "invalid syntax")
    if isinstance(error, (RecursionError, MemoryError)):
        return SyntaxProblem(chunk.filename, 1, 0, "", "the code is nested too deeply")
    bad = re.search(r"[\0\ud800-\udfff]", chunk.text)
    line = chunk.text.count("\n", 0, bad.start()) + 1 if bad else 1
    return SyntaxProblem(chunk.filename, line, 0, "", "the file contains characters that are not text")


def _unfold(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, bool]]:
    """Top-level statements, those under the main guard one by one and marked as guarded."""
    for node in body:
        if isinstance(node, ast.If) and _is_main_guard(node.test):
            for inner in node.body:
                yield inner, True
            for inner in node.orelse:
                yield inner, False
        else:
            yield node, False


def _is_main_guard(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_is_main_guard(value) for value in test.values if isinstance(value, ast.Compare))
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = [test.left, test.comparators[0]]
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _split_import(node: ast.stmt) -> list[tuple[ast.stmt, bool]]:
    """An import of several names as several imports; any other statement as it is."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)) or len(node.names) == 1:
        return [(node, False)]
    parts: list[tuple[ast.stmt, bool]] = []
    for alias in node.names:
        part: ast.stmt
        if isinstance(node, ast.Import):
            part = ast.Import(names=[alias])
        else:
            part = ast.ImportFrom(module=node.module, names=[alias], level=node.level)
        parts.append((ast.copy_location(part, node), True))
    return parts


def _describe(statement: Statement, walrus: bool) -> None:
    """Fill in what the statement binds and changes, without a look into function bodies."""
    strong: set[str] = set()
    weak: set[str] = set()
    changes: set[str] = set()
    stack: list[tuple[ast.stmt, bool]] = [(statement.node, False)]
    while stack:
        node, in_loop = stack.pop()
        bound = weak if in_loop else strong
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                if alias.name == "*":
                    statement.star = True
                else:
                    bound.add(alias.asname or alias.name.partition(".")[0])
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                _targets(target, bound, changes)
        elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.AnnAssign) and node.value is not None):
            _targets(node.target, bound, changes)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if not isinstance(target, ast.Name):
                    _targets(target, set(), changes)
        elif isinstance(node, ast.Expr):
            root = _changed_root(node.value)
            if root:
                changes.add(root)
        elif isinstance(node, _LOOPS):
            if not isinstance(node, ast.While):
                _targets(node.target, weak, changes)
            stack += [(inner, True) for inner in node.body + node.orelse]
        elif isinstance(node, ast.If):
            stack += [(inner, in_loop) for inner in node.body + node.orelse]
        elif isinstance(node, _WITHS):
            for item in node.items:
                if item.optional_vars is not None:
                    _targets(item.optional_vars, bound, changes)
            stack += [(inner, in_loop) for inner in node.body]
        elif isinstance(node, _TRIES):
            assert isinstance(node, ast.Try)
            handled = [inner for handler in node.handlers for inner in handler.body]
            stack += [(inner, in_loop) for inner in node.body + handled + node.orelse + node.finalbody]
        elif isinstance(node, ast.Match):
            for case in node.cases:
                weak.update(_captures(case.pattern))
                stack += [(inner, in_loop) for inner in case.body]
        elif _TYPE_ALIAS is not None and isinstance(node, _TYPE_ALIAS):
            bound.add(node.name.id)  # type: ignore[attr-defined]
        if walrus:
            for inner_node in _own_expressions(node):
                if isinstance(inner_node, ast.NamedExpr):
                    weak.add(inner_node.target.id)
    statement.is_import = isinstance(statement.node, (ast.Import, ast.ImportFrom))
    if isinstance(statement.node, ast.Import):
        alias = statement.node.names[0]
        if alias.asname is None and "." in alias.name:
            statement.submodule = alias.name
    statement.strong = frozenset(strong)
    statement.weak = frozenset(weak - strong)
    statement.changes = frozenset(changes)


def _targets(target: ast.expr, bound: set[str], changes: set[str]) -> None:
    """Names that an assignment target binds, and roots of the attributes and items that it changes."""
    stack = [target]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            bound.add(node.id)
        elif isinstance(node, (ast.Tuple, ast.List)):
            stack += node.elts
        elif isinstance(node, ast.Starred):
            stack.append(node.value)
        else:
            root = _root(node)
            if root:
                changes.add(root)


def _root(node: ast.AST) -> str | None:
    """The name at the root of a chain of attributes, items and method calls; not `Net` in `Net().x`, a new object."""
    while True:
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else None


def _changed_root(value: ast.expr) -> str | None:
    """The name that an expression statement changes: `x.append(1)`, `setattr(x, ...)`, `zeros_(x.bias)`."""
    if isinstance(value, ast.Await):
        value = value.value
    if not isinstance(value, ast.Call):
        return None
    called = _last_name(value.func)
    if value.args and (called in {"setattr", "delattr"} or (called.endswith("_") and not called.endswith("__"))):
        first = _root(value.args[0])
        if first:
            return first
    return _root(value.func) if isinstance(value.func, ast.Attribute) else None


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _captures(pattern: ast.AST) -> Iterator[str]:
    for node in ast.walk(pattern):
        name = getattr(node, "rest" if isinstance(node, ast.MatchMapping) else "name", None)
        if isinstance(name, str):
            yield name


def _own_expressions(node: ast.stmt) -> Iterator[ast.AST]:
    """All expression nodes of a statement, without nested statements and without bodies of lambdas."""
    stack: list[ast.AST] = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
    while stack:
        inner = stack.pop()
        yield inner
        if not isinstance(inner, ast.Lambda):
            stack += [child for child in ast.iter_child_nodes(inner) if not isinstance(child, ast.stmt)]


def _called_names(nodes: Sequence[ast.AST], *, enter_functions: bool) -> set[str]:
    """Last parts of the names of everything that is called below `nodes`."""
    names: set[str] = set()
    stack: list[ast.AST] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            names.add(_last_name(node.func))
        if not enter_functions and isinstance(node, (*_FUNCTIONS, ast.Lambda)):
            stack += getattr(node, "decorator_list", [])
            stack += [default for default in node.args.defaults + node.args.kw_defaults if default is not None]
        else:
            stack += _children(node)
    return names


def _children(node: ast.AST) -> list[ast.AST]:
    """Child nodes, less the ones that carry nothing: operators and contexts."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [inner for inner in value if isinstance(inner, ast.AST)]
        elif isinstance(value, ast.AST) and value._fields:
            found.append(value)
    return found


def _is_block(node: ast.stmt) -> bool:
    return isinstance(node, (*_FUNCTIONS, ast.ClassDef, *_LOOPS, ast.If, *_WITHS, *_TRIES, ast.Match))


# --- using: from nodes to looked-up names -----------------------------------------------------------------------------


@dataclass
class _Facts:
    """Names of one scope: `used` are looked up at once, `inner` too, but in a comprehension; `later` when called."""

    used: set[str] = field(default_factory=set)
    inner: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    walrus: set[str] = field(default_factory=set)
    declared: set[str] = field(default_factory=set)
    chains: set[str] = field(default_factory=set)


class _Scanner:
    """Finds the global names of one statement, by Python's rules of scope.

    Functions hide their own names, classes hide theirs from nobody but themselves, comprehensions hide their targets.
    What a block binds before it uses it is not looked up elsewhere. `lazy_annotations`: annotations are not evaluated.
    """

    def __init__(self, lazy_annotations: bool) -> None:
        self._lazy = lazy_annotations
        self._globals: set[str] = set()
        self._declared: set[str] = set()
        self._chains: set[str] = set()
        self._strings: list[str] = []
        self._private = ""

    def statement(self, node: ast.stmt) -> _Facts:
        """What a top-level statement looks up among the global names, and its dotted paths."""
        used: set[str] = set()
        self._block([node], set(), used, in_class=False)
        used |= self._globals
        if used & _DYNAMIC:
            for text in self._strings:
                used.update(_IDENTIFIER.findall(text[:100_000]))
        return _Facts(used=used, chains=self._chains, declared=self._declared - used)

    def _block(self, body: Sequence[ast.stmt], bound: set[str], used: set[str], *, in_class: bool) -> None:
        """Statements that run one after the other at module or class level; `bound` and `used` grow."""

        def look(nodes: Sequence[ast.AST | None]) -> _Facts:
            facts = self._walk([node for node in nodes if node is not None], in_function=False)
            used.update(facts.used - bound, facts.later, facts.inner if in_class else facts.inner - bound)
            return facts

        for node in body:
            if isinstance(node, ast.If):
                branch: ast.stmt = node
                common: set[str] | None = None
                while isinstance(branch, ast.If):  # an elif chain may be thousands long
                    look([branch.test])
                    inside = set(bound)
                    self._block(branch.body, inside, used, in_class=in_class)
                    common = inside if common is None else common & inside
                    if len(branch.orelse) == 1 and isinstance(branch.orelse[0], ast.If):
                        branch = branch.orelse[0]
                        continue
                    inside = set(bound)
                    self._block(branch.orelse, inside, used, in_class=in_class)
                    common &= inside
                    break
                bound |= common or set()
            elif isinstance(node, (ast.For, ast.AsyncFor)):
                look([node.iter])
                inside = bound | look([node.target]).bound
                self._block(node.body, inside, used, in_class=in_class)
                self._block(node.orelse, set(bound), used, in_class=in_class)
            elif isinstance(node, ast.While):
                look([node.test])
                self._block(node.body, set(bound), used, in_class=in_class)
                self._block(node.orelse, set(bound), used, in_class=in_class)
            elif isinstance(node, _WITHS):
                for item in node.items:
                    look([item.context_expr])
                    bound |= look([item.optional_vars]).bound
                self._block(node.body, bound, used, in_class=in_class)
            elif isinstance(node, _TRIES):
                assert isinstance(node, ast.Try)
                inside = set(bound)
                self._block(node.body, inside, used, in_class=in_class)
                self._block(node.orelse, inside, used, in_class=in_class)
                for handler in node.handlers:
                    look([handler.type])
                    self._block(handler.body, bound | {handler.name or ""}, used, in_class=in_class)
                self._block(node.finalbody, bound, used, in_class=in_class)
            elif isinstance(node, ast.Match):
                look([node.subject])
                for case in node.cases:
                    inside = bound | look([case.pattern]).bound
                    look([case.guard])
                    self._block(case.body, inside, used, in_class=in_class)
            elif isinstance(node, ast.AugAssign):
                facts = look([node.target, node.value])
                if isinstance(node.target, ast.Name):
                    used.update({self._mangle(node.target.id)} - bound)
                bound |= facts.bound
            else:
                bound |= look([node]).bound

    def _function(self, nodes: Sequence[ast.AST], parameters: ast.arguments | None) -> set[str]:
        """Free names of a function body."""
        facts = self._walk(nodes, in_function=True)
        if parameters is not None:
            every = [*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs]
            every += [extra for extra in (parameters.vararg, parameters.kwarg) if extra is not None]
            facts.bound.update(self._mangle(parameter.arg) for parameter in every)
        free = facts.used | facts.inner | facts.later
        self._globals |= free & facts.declared
        self._declared |= facts.declared
        return free - facts.bound - facts.walrus - facts.declared

    def _class(self, node: ast.ClassDef) -> set[str]:
        """Free names of a class body."""
        outer, self._private = self._private, node.name.lstrip("_")
        used: set[str] = set()
        self._block(node.body, set(), used, in_class=True)
        self._private = outer
        return used

    def _walk(self, nodes: Sequence[ast.AST], *, in_function: bool) -> _Facts:
        """All names below `nodes` that belong to one scope, and the free names of the scopes inside it."""
        facts = _Facts()
        stack: list[ast.AST] = list(nodes)
        while stack:
            node = stack.pop()
            if type(node) not in _SCOPED:
                stack += _children(node)
            elif isinstance(node, ast.Name):
                (facts.used if isinstance(node.ctx, ast.Load) else facts.bound).add(self._mangle(node.id))
            elif isinstance(node, ast.Constant):
                if isinstance(node.value, str):
                    self._strings.append(node.value)
            elif isinstance(node, ast.Attribute):
                self._chain(node)
                stack.append(node.value)
            elif isinstance(node, _FUNCTIONS):
                facts.bound.add(self._mangle(node.name))
                stack += node.decorator_list
                stack += [default for default in node.args.defaults + node.args.kw_defaults if default is not None]
                hidden, bounds = _type_parameters(node)
                annotations = [] if self._lazy else _annotations(node)
                if hidden:
                    facts.later |= self._function([*annotations, *bounds], None) - hidden
                else:
                    stack += annotations
                facts.later |= self._function(node.body, node.args) - hidden
            elif isinstance(node, ast.Lambda):
                stack += [default for default in node.args.defaults + node.args.kw_defaults if default is not None]
                facts.later |= self._function([node.body], node.args)
            elif isinstance(node, ast.ClassDef):
                facts.bound.add(self._mangle(node.name))
                hidden, bounds = _type_parameters(node)
                stack += node.decorator_list
                if hidden:
                    facts.later |= self._function([*node.bases, *node.keywords, *bounds], None) - hidden
                else:
                    stack += [*node.bases, *node.keywords]
                facts.later |= self._class(node) - hidden
            elif isinstance(node, _COMPREHENSIONS):
                self._comprehension(node, facts, stack)
            elif isinstance(node, ast.NamedExpr):
                facts.walrus.add(self._mangle(node.target.id))
                stack.append(node.value)
            elif isinstance(node, ast.AnnAssign):
                stack.append(node.target)
                if node.value is not None:
                    stack.append(node.value)
                if not (in_function or self._lazy):
                    stack.append(node.annotation)
            elif isinstance(node, ast.AugAssign):
                if isinstance(node.target, ast.Name):
                    facts.used.add(self._mangle(node.target.id))
                stack += [node.target, node.value]
            elif isinstance(node, ast.Global):
                facts.declared.update(map(self._mangle, node.names))
            elif isinstance(node, ast.Nonlocal):
                facts.used.update(map(self._mangle, node.names))
            elif isinstance(node, ast.alias):
                facts.bound.add(self._mangle(node.asname or node.name.partition(".")[0]))
            elif _TYPE_ALIAS is not None and isinstance(node, _TYPE_ALIAS):
                hidden, bounds = _type_parameters(node)
                facts.bound.add(node.name.id)  # type: ignore[attr-defined]
                facts.later |= self._function([node.value, *bounds], None) - hidden  # type: ignore[attr-defined]
            else:
                if isinstance(node, ast.ExceptHandler) and node.name:
                    facts.bound.add(self._mangle(node.name))
                elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
                    facts.bound.add(node.name)
                elif isinstance(node, ast.MatchMapping) and node.rest:
                    facts.bound.add(node.rest)
                stack += _children(node)
        return facts

    def _comprehension(self, node: ast.AST, facts: _Facts, stack: list[ast.AST]) -> None:
        """The first iterable belongs to the scope around; the rest is a scope of its own."""
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        stack.append(generators[0].iter)
        inner: list[ast.AST] = [value for key, value in ast.iter_fields(node) if key != "generators"]
        for position, generator in enumerate(generators):
            inner += [generator.target, *generator.ifs]
            if position:
                inner.append(generator.iter)
        found = self._walk(inner, in_function=True)
        facts.walrus |= found.walrus
        facts.inner |= (found.used | found.inner) - found.bound
        facts.later |= found.later - found.bound

    def _chain(self, node: ast.Attribute) -> None:
        """Record `a.b` and `a.b.c` of a dotted path `a.b.c` with a name at its root."""
        parts: list[str] = []
        at: ast.AST = node
        while isinstance(at, ast.Attribute) and len(parts) < 50:
            parts.append(at.attr)
            at = at.value
        if isinstance(at, ast.Name):
            path = at.id
            for part in reversed(parts):
                path = f"{path}.{part}"
                self._chains.add(path)

    def _mangle(self, name: str) -> str:
        if self._private and name.startswith("__") and not name.endswith("__"):
            return f"_{self._private}{name}"
        return name


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    found = [parameter.annotation for parameter in every if parameter is not None]
    return [annotation for annotation in [*found, node.returns] if annotation is not None]


def _type_parameters(node: ast.AST) -> tuple[set[str], list[ast.AST]]:
    """Names of the type parameters (Python 3.12) of a definition, and their bounds."""
    parameters = getattr(node, "type_params", [])
    return {parameter.name for parameter in parameters}, [
        child for parameter in parameters for child in ast.iter_child_nodes(parameter)
    ]


# --- choosing: from names to statements -------------------------------------------------------------------------------


class _Index:
    """Statements by the names that they bind or change."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.strong: dict[str, list[Statement]] = {}
        self.weak: dict[str, list[Statement]] = {}
        self.guarded_strong: dict[str, list[Statement]] = {}
        self.guarded_weak: dict[str, list[Statement]] = {}
        self.changes: dict[str, list[Statement]] = {}
        self.guarded_changes: dict[str, list[Statement]] = {}
        self.submodules: dict[str, list[Statement]] = {}
        self.star: list[Statement] = []
        self.always: list[Statement] = []
        self.origins: dict[str, str] = {}
        self.state: list[Statement] = []
        for statement in statements:
            guarded = statement.guarded
            for name in statement.strong:
                (self.guarded_strong if guarded else self.strong).setdefault(name, []).append(statement)
            for name in statement.weak:
                (self.guarded_weak if guarded else self.weak).setdefault(name, []).append(statement)
            for name in statement.changes:
                (self.guarded_changes if guarded else self.changes).setdefault(name, []).append(statement)
            if statement.submodule:
                self.submodules.setdefault(statement.submodule.partition(".")[0], []).append(statement)
            if statement.star and not guarded:
                self.star.append(statement)
            node = statement.node
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                self.always.append(statement)
            self._note_origin(node)
        self.state = [s for s in statements if not s.guarded and self._is_state(s.node)]

    def _note_origin(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            alias = node.names[0]
            top = alias.name.partition(".")[0]
            self.origins.setdefault(alias.asname or top, alias.name if alias.asname else top)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            alias = node.names[0]
            self.origins.setdefault(alias.asname or alias.name, f"{node.module}.{alias.name}")

    @cached_property
    def trainers(self) -> frozenset[str]:
        """Top-level functions whose body calls `backward` or `step`."""
        return frozenset(
            name
            for name, found in self.strong.items()
            for s in found
            if isinstance(s.node, _FUNCTIONS)
            and _called_names(s.node.body, enter_functions=True) & {"backward", "step"}
        )

    def binds(self, name: str) -> bool:
        """Whether some statement binds `name`."""
        return any(name in table for table in (self.strong, self.weak, self.guarded_strong, self.guarded_weak))

    def bindings(self, name: str, *, asked: bool) -> list[Statement]:
        """The statements to take for `name`; `asked`: it is wanted itself, not only needed by something."""
        strong = self.strong.get(name)
        if strong:
            plain = [s for s in strong if not s.submodule]
            calm = [s for s in plain if not self._trains_again(s)]
            return calm or plain or strong[:1]
        weak = [s for s in self.weak.get(name, ()) if asked or not self.runs(s)]
        return weak or self.guarded_strong.get(name) or self.guarded_weak.get(name) or []

    def changing(self, name: str) -> list[Statement]:
        """The statements that change `name` after it was bound."""
        found = list(self.changes.get(name, ()))
        if name not in self.strong and name not in self.weak:
            found += self.guarded_changes.get(name, ())
        imported = all(s.is_import for s in self.strong.get(name, ())) and name in self.origins
        return [s for s in found if not (imported and _only_calls(s.node)) and not self.runs(s)]

    def runs(self, statement: Statement) -> bool:
        """Whether the statement calls something that looks like running rather than setting up."""
        return any(_is_running(call, RUNNING_WORDS) or call in self.trainers for call in statement.calls)

    def _trains_again(self, statement: Statement) -> bool:
        return isinstance(statement.node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and any(
            _is_running(call, TRAINING_WORDS) for call in statement.calls
        )

    def _is_state(self, top: ast.stmt) -> bool:
        """Whether a statement sets global state and, apart from that, at most binds names."""
        if not isinstance(top, (ast.Expr, ast.Assign, ast.AugAssign, ast.If, *_TRIES)):
            return False
        found = False
        stack: list[ast.stmt] = [top]
        while stack:
            node = stack.pop()
            if isinstance(node, ast.If):
                stack += node.body + node.orelse
            elif isinstance(node, _TRIES):
                assert isinstance(node, ast.Try)
                stack += node.body + node.orelse + node.finalbody
                stack += [inner for handler in node.handlers for inner in handler.body]
            elif self._sets_state(node):
                found = True
            elif isinstance(node, ast.Expr):
                if isinstance(node.value, ast.Call) and _last_name(node.value.func) != "print":
                    return False
            elif not isinstance(node, (ast.Pass, ast.Assign, ast.Import, ast.ImportFrom)):
                return False
        return found

    def _sets_state(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            return self.path(node.value.func) in STATE_CALLS
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, (ast.Attribute, ast.Subscript)):
                path = self.path(target.value if isinstance(target, ast.Subscript) else target)
                if any(path == known or path.startswith(known + ".") for known in STATE_TARGETS):
                    return True
        return False

    def path(self, node: ast.expr) -> str:
        """The full path of an imported thing (`np.random.seed` is `numpy.random.seed`), or nothing."""
        parts: list[str] = []
        at = node
        while isinstance(at, ast.Attribute) and len(parts) < 10:
            parts.append(at.attr)
            at = at.value
        origin = self.origins.get(at.id) if isinstance(at, ast.Name) else None
        return ".".join([origin, *reversed(parts)]) if origin else ""


def _is_running(call: str, running: frozenset[str]) -> bool:
    words = {word.lower() for word in _WORDS.findall(call)} & (running | DATA_WORDS)
    if words & DATA_WORDS:
        words -= DATA_VERBS
    return bool(words & running) and call != "print"


def _only_calls(node: ast.stmt) -> bool:
    """Whether a statement changes things by calls alone, without an assignment."""
    return not any(
        isinstance(inner, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete)) for inner in ast.walk(node)
    )


class _Closure:
    """Grows a slice."""

    def __init__(self, index: _Index) -> None:
        self._index = index
        self.taken: dict[int, Statement] = {statement.index: statement for statement in index.always}
        self.needed: set[str] = set()
        self._chains: set[str] = set()
        self._open: set[str] = set()
        self._work: list[str] = []

    def ask(self, names: Iterable[str]) -> None:
        """Take all that `names` need, and all that is needed so far."""
        asked = [name for name in dict.fromkeys(names) if name not in self.needed]
        for name in asked:
            self._need(name, asked=True)
        while True:
            while self._work:
                name = self._work.pop()
                if name not in self.needed:
                    self._need(name, asked=False)
            for root, found in self._index.submodules.items():
                if root in self.needed:
                    for statement in found:
                        if statement.submodule in self._chains:
                            self.take(statement)
            if self._open and self._index.star:
                for statement in self._index.star:
                    self.take(statement)
            if not self._work:
                return

    def take(self, statement: Statement) -> None:
        """Take one statement, and note what it needs."""
        if statement.index not in self.taken:
            self.taken[statement.index] = statement
            self._work += sorted(statement.facts.used)
            self._work += sorted(filter(self._index.binds, statement.facts.declared))
            self._chains |= statement.facts.chains

    def add_state(self) -> None:
        """Take the statements that set global state before something that is taken."""
        refused: set[int] = set()
        while True:
            last = max(self.taken, default=-1)
            due = [
                s for s in self._index.state if s.index < last and s.index not in self.taken and s.index not in refused
            ]
            if not due:
                return
            for statement in due:
                if not self._add_calm(statement):
                    refused.add(statement.index)

    def _add_calm(self, statement: Statement) -> bool:
        """Take `statement` with all its needs, or, if they would run something, nothing of it."""
        if any(self._is_idle(name) for name in statement.facts.used) or self._index.runs(statement):
            return False
        if statement.facts.used <= self.needed:
            self.take(statement)
            self.ask(())
            return True
        trial = _Closure(self._index)
        trial.taken, trial.needed = dict(self.taken), set(self.needed)
        trial._chains, trial._open = set(self._chains), set(self._open)
        trial.take(statement)
        trial.ask(())
        new = [s for index, s in trial.taken.items() if index not in self.taken]
        if any(self._index.runs(s) for s in new):
            return False
        self.taken, self.needed, self._chains, self._open = trial.taken, trial.needed, trial._chains, trial._open
        return True

    def _is_idle(self, name: str) -> bool:
        """Whether `name` is a package whose state matters only with use, and nothing taken uses it."""
        origin = self._index.origins.get(name, "").partition(".")[0]
        if origin not in STATE_ONLY_WITH_USE:
            return False
        used = {self._index.origins.get(other, "").partition(".")[0] for other in self.needed}
        return origin not in used

    def _need(self, name: str, *, asked: bool) -> None:
        self.needed.add(name)
        bindings = self._index.bindings(name, asked=asked)
        if not bindings and name not in _IMPLICIT:
            self._open.add(name)
        for statement in bindings:
            self.take(statement)
        if bindings:
            for statement in self._index.changing(name):
                self.take(statement)

    def result(self, flags: int) -> Slice:
        """The slice in source order."""
        statements = tuple(self.taken[index] for index in sorted(self.taken))
        return Slice(statements, frozenset(self._open), frozenset(self.needed), flags)
