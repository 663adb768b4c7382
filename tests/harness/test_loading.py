"""Lazy modules: what runs when, what a traceback shows, what a missing name says."""

from __future__ import annotations

import importlib
import inspect
import linecache
import pickle
import random
import re
import sys
import textwrap
import traceback
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_slicing import straight_programs

from autograder.loading import MissingName, StudentModule, install
from autograder.slicing import Chunk


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    """Every test gets back the modules, finders and sources that were there before."""
    modules, finders, lines = dict(sys.modules), list(sys.meta_path), dict(linecache.cache)
    yield
    sys.meta_path[:] = finders
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    linecache.cache.clear()
    linecache.cache.update(lines)


def module(text: str, name: str = "hw3_gan") -> StudentModule:
    """A student's module of one script."""
    return StudentModule(name, [Chunk(f"{name}.py", textwrap.dedent(text))])


def test_nothing_runs_until_asked() -> None:
    """Making the module runs no line of it; asking for a name runs what it needs, once."""
    student = module("""
        log = []
        log.append("start")
        def net(): return log
        raise SystemExit("main ran")
    """)
    assert "log" not in vars(student)
    assert student.net() == ["start"]
    assert student.net() is student.log
    assert student.log == ["start"]


def test_argparse_and_training_at_module_level() -> None:
    """The VAE files of FIELD_NOTES: main() at module level, parse_args, an import that nobody has."""
    student = module(
        """
        import argparse, pandas_that_is_missing as pd
        from my_logger_that_is_missing import logger
        def parse_args():
            return argparse.ArgumentParser().parse_args(["--bad"])
        class VAE:
            def __init__(self, args): self.args = args
        def main():
            while True: pass
        args = parse_args()
        main()
        """,
        "hw3_vae",
    )
    assert student.VAE(3).args == 3


def test_module_looks_like_one() -> None:
    """Name, file and dunders are those of a module that was imported."""
    student = module("who = __name__, __file__\nif __name__ == '__main__':\n    who = 3")
    assert student.who == ("hw3_gan", "hw3_gan.py")
    assert student.__name__ == "hw3_gan"
    assert "who" in dir(student)
    assert not hasattr(student, "__path__")
    assert not hasattr(student, "nothing")
    with pytest.raises(AttributeError, match="__wrapped__"):
        _ = student.__wrapped__


def test_missing_name_suggests() -> None:
    """Another case, another spelling, and no idea."""
    student = module("class Dnet: pass\nclass GNet: pass\ndef sample_bernoulli(): pass")
    with pytest.raises(MissingName, match=r"^hw3_gan.py does not define DNet. Did you mean Dnet\?$") as caught:
        _ = student.DNet
    assert (caught.value.module, caught.value.name) == ("hw3_gan", "DNet")
    assert caught.value.suggestions[0] == "Dnet"
    with pytest.raises(MissingName) as caught:
        _ = student.sample_Bernouli
    assert caught.value.suggestions == ("sample_bernoulli",)
    with pytest.raises(MissingName) as caught:
        _ = student.elbo
    assert caught.value.suggestions == ()


def test_missing_name_tells_of_the_syntax_error() -> None:
    """In a script the error costs the file; in a notebook the cell that defines the name is shown first."""
    with pytest.raises(MissingName) as caught:
        _ = module("class DNet:\n    def f(self:\n        pass").DNet
    assert "Python could not read hw3_gan.py, line 2" in caught.value.reason
    notebook = StudentModule(
        "hw3_gan",
        [
            Chunk("n[cell 1]", "x = ("),
            Chunk("n[cell 2]", "class DNet:\n  x = )\n"),
            Chunk("n[cell 3]", "class GNet: pass"),
        ],
        file="n",
    )
    assert notebook.GNet
    with pytest.raises(MissingName) as caught:
        _ = notebook.DNet
    assert "n[cell 2], line 2" in caught.value.reason


def test_another_required_name_is_no_suggestion() -> None:
    """What another question asks for is not what was meant, however alike."""
    chunks = [Chunk("n.py", "def generator_loss(): pass\ndef Generator(): pass\n")]
    with pytest.raises(MissingName) as caught:
        _ = StudentModule("n", chunks, required=("generator", "generator_loss")).generator
    assert caught.value.suggestions == ("Generator",)
    with pytest.raises(MissingName) as caught:
        _ = StudentModule("n", chunks[:1], required=("generator", "generator_loss")).discriminator_loss
    assert caught.value.suggestions == ()


def cells(*texts: str) -> StudentModule:
    return StudentModule("hw3_gan", [Chunk(f"n.ipynb[cell {at}]", text) for at, text in enumerate(texts, start=1)])


def test_a_broken_cell_is_blamed_for_its_own_names_alone() -> None:
    """A deleted cell is told as such, though another one cannot be read; a mistyped keyword is still that cell's."""
    notebook = cells("G = generator(96", "clas DNet(nn.Module):\n    pass", "x = 1")
    with pytest.raises(MissingName) as caught:
        _ = notebook.generator
    assert str(caught.value) == (
        "n.ipynb does not define generator. If its cell was deleted, copy it from the template."
    )
    with pytest.raises(MissingName, match=r"n.ipynb\[cell 2\], line 1"):
        _ = notebook.DNet


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< HEAD\ndef f(): return 1\n=======\ndef f(): return 2\n>>>>>>> 9c1f2ab\n",
        "def f():\n    return 1\n>>>>>>> 9c1f2ab\n",
    ],
)
def test_conflict_markers_are_told(text: str) -> None:
    """git's markers are named as what they are, with the line of the first one."""
    with pytest.raises(MissingName) as caught:
        _ = cells(text, "x = 1").f
    assert caught.value.broken is not None
    marker = text.index("<<<<") if "<<<<" in text else text.index(">>>>")
    assert caught.value.broken.line == text.count("\n", 0, marker) + 1
    assert "git left its conflict markers" in str(caught.value.broken)


def test_cells_in_another_order() -> None:
    """What a cell needs at once may stand in a later cell, which needs others itself; a script has no such chance."""
    notebook = cells(
        "class G(Base):\n    size = SIZE",
        "def g(n=SIZE):\n    return n",
        "SIZE = HALF + HALF",
        "HALF = 2\nclass Base: pass",
    )
    assert notebook.G.size == notebook.g() == 4
    with pytest.raises(NameError):
        _ = module("def g(n=SIZE):\n    return n\nSIZE = 4").g
    with pytest.raises(NameError):
        _ = cells("def g(n=SIZE):\n    return n\nSIZE = 4").g  # one cell runs from top to bottom


def test_cells_that_need_each_other_end() -> None:
    """Two cells that each need the other at once raise, as they do in a notebook."""
    notebook = cells("a = b + 1", "b = a + 1")
    with pytest.raises(NameError):
        _ = notebook.a
    with pytest.raises(NameError):
        _ = notebook.b


def test_missing_name_under_a_condition() -> None:
    """A branch that did not run is named with its line."""
    with pytest.raises(MissingName, match="line 1, under a condition that did not hold"):
        _ = module("if False:\n    class DNet: pass").DNet


def test_missing_name_inside_main() -> None:
    """A class inside main() is pointed out."""
    with pytest.raises(MissingName, match="inside a function or class"):
        _ = module("def main():\n    class DNet: pass\n").DNet


def test_empty_file_and_problem() -> None:
    """No code, and no file at all, say so for every name."""
    with pytest.raises(MissingName, match="The file has no code"):
        _ = module("# todo\n").DNet
    student = StudentModule("hw3_gan", [], file="hw3_gan.py", problem="There is no hw3_gan.py in the submission.")
    with pytest.raises(MissingName, match=r"There is no hw3_gan.py in the submission"):
        _ = student.DNet


def test_exception_in_the_file_propagates_unchanged() -> None:
    """An error in a class body comes out as it is, with the student's line, and again on the next try."""
    student = module("x = 1\nclass DNet:\n    y = 1 / 0\n")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError) as caught:
            _ = student.DNet
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.line) == ("hw3_gan.py", 3, "y = 1 / 0")
    with pytest.raises(AttributeError, match="conv9d"):
        _ = module("import types\nf = types.conv9d").f


@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()"])
def test_exit_propagates(error: str) -> None:
    """exit() at load time is not swallowed."""
    with pytest.raises((SystemExit, KeyboardInterrupt, GeneratorExit)):
        _ = module(f"def stop(): raise {error}\nDNet = stop()").DNet


def test_a_missing_package_costs_what_uses_it() -> None:
    """A class loads although one of its methods needs a package that is not there; that method raises."""
    student = module(
        """
        import wandb_that_is_missing as wandb
        from seaborn_that_is_missing.plots import heatmap, Axis
        from os import gone
        import xml.that_is_missing
        from utils_that_are_missing import *
        class VAE:
            def size(self): return 3, wandb is not None
            def train(self): return wandb.log(1)
            def plot(self): return heatmap([1])
            def old(self): return gone
            def xml(self): return xml.__name__
            def helper(self): return from_utils(1)
        class Sub(Axis): pass
        def f(x=Axis): return x[0]
        """
    )
    vae = student.VAE()
    assert vae.size() == (3, True)
    assert vae.xml() == "xml"
    for method, package in ((vae.train, "wandb"), (vae.plot, "seaborn"), (vae.helper, "utils"), (student.f, "seaborn")):
        for _ in range(2):
            with pytest.raises(ModuleNotFoundError) as caught:
                method()
            assert str(caught.value.name).startswith(package)
    lines = [frame.line for frame in traceback.extract_tb(caught.value.__traceback__) if frame.filename == "hw3_gan.py"]
    assert lines[-1] == "from seaborn_that_is_missing.plots import heatmap, Axis"
    with pytest.raises(ModuleNotFoundError, match="seaborn"):
        _ = student.Sub
    with pytest.raises(ModuleNotFoundError, match="wandb"):
        _ = module("import wandb_that_is_missing as wandb").wandb
    with pytest.raises(ModuleNotFoundError, match="utils_that"):
        _ = module("from utils_that_are_missing import *").from_utils
    optional = module("try:\n    import wandb_that_is_missing as w\nexcept ImportError:\n    w = None\n")
    assert optional.w is None


def test_compile_time_errors_cost_their_statement() -> None:
    """`return` outside a function passes the parser, not the compiler."""
    student = module("def f(): return 1\ndef g():\n    nonlocal z\n")
    assert student.f() == 1
    with pytest.raises(SyntaxError) as caught:
        _ = student.g
    assert (caught.value.filename, caught.value.lineno) == ("hw3_gan.py", 3)


def test_future_annotations_hold_for_every_statement() -> None:
    """And are not inherited from the harness's own files."""
    student = module("from __future__ import annotations\nimport nothing_here\ndef f(x: nothing_here.T): return x")
    assert student.f.__annotations__ == {"x": "nothing_here.T"}
    assert module("def f(x: int): return x").f.__annotations__ == {"x": int}


def test_source_can_be_inspected() -> None:
    """inspect.getsource works for classes and functions, of scripts and of notebooks."""
    student = module("import os\n\nclass DNet:\n    # a comment\n    def forward(self):\n        return 1\n")
    notebook = StudentModule(
        "hw3_vae",
        [
            Chunk("hw3.ipynb[cell 1]", "x = 1"),
            Chunk("hw3.ipynb[cell 2]", "class VAE:\n    def f(self):\n        return 2"),
        ],
        file="hw3.ipynb",
    )
    install({"hw3_gan": student, "hw3_vae": notebook})
    assert "# a comment" in inspect.getsource(student.DNet)
    assert inspect.getsource(student.DNet.forward) == "    def forward(self):\n        return 1\n"
    if sys.version_info < (3, 13):  # later Pythons go by the line in the cell, and have only the notebook's name
        assert inspect.getsource(notebook.VAE).startswith("class VAE:")
    assert "return 2" in inspect.getsource(notebook.VAE.f)


def test_files_import_each_other_lazily() -> None:
    """`from hw3_gan import DNet` in another file runs only what DNet needs."""
    gan = module("class DNet: pass\nraise SystemExit\nepochs = 0\nlosses = train()")
    vae = module("from hw3_gan import DNet\nimport hw3_gan as g\nclass VAE(DNet): k = g.epochs\n", "hw3_vae")
    install({"hw3_gan": gan, "hw3_vae": vae})
    assert vae.VAE.__mro__[1] is gan.DNet
    assert vae.VAE.k == 0
    assert importlib.import_module("hw3_gan") is gan
    assert importlib.import_module("hw3-gan") is gan
    assert gan.__name__ == "hw3_gan"
    assert importlib.reload(gan) is gan
    del sys.modules["hw3_gan"]
    assert __import__("hw3_gan") is gan


def test_import_of_a_name_that_is_not_there_keeps_the_reason() -> None:
    """It is an ImportError, with MissingName or the student's own error as its cause."""
    gan = module("class Dnet: pass\nclass Bad:\n    x = len.nothing")
    vae = module("from hw3_gan import DNet\nfrom hw3_gan import Bad\na = DNet\nb = Bad\n", "hw3_vae")
    install({"hw3_gan": gan, "hw3_vae": vae})
    with pytest.raises(ImportError, match=r"cannot import DNet from hw3_gan: .*Did you mean Dnet") as caught:
        _ = vae.a
    assert isinstance(caught.value.__cause__, MissingName)
    with pytest.raises(ImportError, match="no attribute 'nothing'") as caught:
        _ = vae.b
    assert type(caught.value.__cause__) is AttributeError


def test_star_import_of_a_lazy_module() -> None:
    """A star brings what loads and runs nothing: no training, no private names, no failing statements."""
    gan = module(
        """
        import missing_package_x
        from missing_package_y import thing
        class DNet: pass
        _private = 1
        size = 28
        history = train()
        broken = 1 / 0
        def train(): raise SystemExit
        if __name__ == "__main__":
            guarded = 1
        """
    )
    assert gan.__all__ == ["DNet", "size", "train"]
    vae = module("from hw3_gan import *\ndef f(): return DNet, size\n", "hw3_vae")
    install({"hw3_gan": gan, "hw3_vae": vae})
    assert vae.f() == (gan.DNet, 28)
    assert module("__all__ = ['a']\na = 1\nb = 2").__all__ == ["a"]


def test_circular_imports_end() -> None:
    """Two files that import each other give a message instead of recursion without end."""
    gan = module("from hw3_vae import Encoder\nclass DNet(Encoder): pass")
    vae = module("from hw3_gan import DNet\nclass Encoder(DNet): pass", "hw3_vae")
    install({"hw3_gan": gan, "hw3_vae": vae})
    with pytest.raises(ImportError, match="import each other"):
        _ = gan.DNet


def test_circular_imports_that_work_do_work() -> None:
    """hw3_gan needs hw3_vae's helper, hw3_vae needs another of hw3_gan's: an ordinary import would do."""
    gan = module("from hw3_vae import b\ndef a(): return 1\ndef c(): return b() + 1")
    vae = module("from hw3_gan import a\ndef b(): return a() + 1", "hw3_vae")
    install({"hw3_gan": gan, "hw3_vae": vae})
    assert gan.c() == 3


def test_patching_a_name_is_for_good() -> None:
    """A grader that replaces a name is not undone by the statement that defines it."""
    student = module(
        "import nothing_there\nfrom nothing_there import load\ndef helper(): return 1\ndef f(): return load(), helper()"
    )
    student.load = lambda: 7
    student.helper = lambda: 8
    student.new = 9
    assert student.f() == (7, 8)
    assert student.new == 9
    del student.helper
    assert student.load() == 7


def test_patching_a_name_that_is_bound_twice() -> None:
    """The replaced value stays, although statements in between are made up for later."""
    student = module("x = 1\ny = x\nx = 2\nz = x\ndef f(): return x")
    student.x = 5
    assert student.y == 1
    assert student.x == 5
    assert student.f() == 5


def test_values_of_the_right_moment() -> None:
    """What is loaded late still sees the values that names had at its place in the file."""
    student = module(
        "hidden = 128\nenc = [hidden]\nhidden = 64\ndec = [hidden]\ncount = 0\ncount = 1\ndef up():\n"
        "    global count\n    count += 1\n    return count"
    )
    assert student.dec == [64]
    assert student.enc == [128]
    assert student.hidden == 64
    assert [student.up(), student.up()] == [2, 3]
    assert student.count == 3


@settings(max_examples=200, deadline=None)
@given(straight_programs(), st.randoms(use_true_random=False))
def test_any_order_of_asking_gives_the_values_of_the_whole_program(text: str, shuffler: random.Random) -> None:
    """Names asked for one by one, in any order, have the values that running the whole file gives."""
    text = text.replace("'f_", "'g_")  # no statement that looks at what is defined so far
    text = re.sub(r"^(\w) \+= ", r"\1 = \1 + ", text, flags=re.M)  # nothing that changes a list in place
    whole: dict[str, object] = {}
    exec(text, whole)
    student = module(text)
    names = ["a", "b", "c", "d"]
    shuffler.shuffle(names)
    assert {name: getattr(student, name) for name in names} == {name: whole[name] for name in names}
    assert {name: getattr(student, name) for name in names} == {name: whole[name] for name in names}


def test_half_bound_names_are_not_shown() -> None:
    """A name that came along with another is loaded in full when it is asked for; a failed load leaves nothing."""
    student = module("a, b = [1], [2]\na.append(3)\nx = 1\nx = 1 / 0")
    assert student.b == [2]
    assert "a" not in vars(student)
    assert student.a == [1, 3]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            _ = student.x


def test_globals_that_functions_assign() -> None:
    """A global that a function sets is not reset by its top-level statement afterwards."""
    student = module("losses = None\ndef train():\n    global losses\n    losses = [1]\ndef last(): return losses[-1]")
    student.train()
    assert student.last() == 1


def test_dataclasses_and_pickle_find_the_module() -> None:
    """What looks a class's module up by name finds it."""
    student = module(
        """
        from __future__ import annotations
        from dataclasses import dataclass
        @dataclass
        class Config:
            size: int = 3
        """
    )
    install({"hw3_gan": student})
    assert pickle.loads(pickle.dumps(student.Config(4))) == student.Config(4)


def test_given_files_are_chunks_of_one_module() -> None:
    """The given file and its offline stand-in: the later definition counts, both are visible in tracebacks."""
    given = Chunk("hw3_utils.py", "BASE = 'http'\ndef load(): return fetch()\ndef fetch(): raise OSError")
    offline = Chunk("offline.py", "def fetch(): return BASE\ndef bad():\n    1 / 0")
    utils = StudentModule("hw3_utils", [given, offline])
    assert utils.load() == "http"
    install({"hw3_utils": utils})
    student = module("from hw3_utils import *\ndef f(): return load()")
    assert student.f() == "http"
    with pytest.raises(ZeroDivisionError) as caught:
        utils.bad()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].line == "1 / 0"
