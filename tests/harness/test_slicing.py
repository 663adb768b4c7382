"""Which statements a name needs: straight from the rules in slicing.py's head, and from what students hand in."""

from __future__ import annotations

import ast
import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.slicing import Chunk, Program, SourceError, slice_function


def program(*texts: str) -> Program:
    """A program of one script, or of several cells."""
    if len(texts) == 1:
        return Program.parse([Chunk("hw3_gan.py", textwrap.dedent(texts[0]))])
    return Program.parse(Chunk(f"hw3.ipynb[cell {i}]", textwrap.dedent(text)) for i, text in enumerate(texts, 1))


def sliced(text: str, *names: str) -> list[str]:
    """The slice's statements, unparsed, in order."""
    return [ast.unparse(statement.node) for statement in program(text).slice(names).statements]


def heads(text: str, *names: str) -> list[str]:
    """First lines of the slice's statements."""
    return [line.split("\n")[0] for line in sliced(text, *names)]


GAN_SCRIPT = """
    import argparse, os
    import numpy as np, pandas as pd
    import wandb
    import torch
    import torch.nn as nn
    import matplotlib.pyplot as plt
    from torch.utils.tensorboard import SummaryWriter
    from my_logger import log

    dtype = torch.cuda.FloatTensor
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=2e-4)
    opt = parser.parse_args()
    wandb.init(project="gan")
    hidden = 64

    def block(n):
        return nn.Sequential(nn.Linear(n, hidden), nn.ReLU())

    class DNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = block(784)

    class GNet(nn.Module):
        def show(self):
            plt.imshow(np.zeros((2, 2)))

    netD = DNet().cuda()
    netD.load_state_dict(torch.load("checkpoint.pt"))
    for epoch in range(200):
        for step in range(10):
            netD.step()
    plt.plot([1, 2])
    plt.show()

    def main():
        print(opt.lr)

    main()
"""


def test_class_takes_what_it_needs_and_no_more() -> None:
    """DNet needs torch.nn, block and hidden; no training, no parse_args, no unused import."""
    assert heads(GAN_SCRIPT, "DNet") == [
        "import torch.nn as nn",
        "hidden = 64",
        "def block(n):",
        "class DNet(nn.Module):",
    ]


def test_another_class_takes_other_imports() -> None:
    """GNet draws, so it needs pyplot and NumPy, each alone out of its import statement."""
    assert heads(GAN_SCRIPT, "GNet") == [
        "import numpy as np",
        "import torch.nn as nn",
        "import matplotlib.pyplot as plt",
        "class GNet(nn.Module):",
    ]


def test_training_loop_and_main_never_come_along() -> None:
    """No slice of a function or class of the script has the loop, the call of main, plt.show or the checkpoint."""
    for name in ("DNet", "GNet", "block", "main", "netD"):
        text = "\n".join(sliced(GAN_SCRIPT, name))
        for banned in ("for epoch", "plt.plot([1", "plt.show", "torch.load", "wandb", "pandas"):
            assert banned not in text, (name, banned)
        assert not text.endswith("\nmain()")


def test_parse_args_comes_where_it_is_needed() -> None:
    """main uses opt: the parser, its arguments and parse_args come in order."""
    assert heads(GAN_SCRIPT, "main") == [
        "import argparse",
        "parser = argparse.ArgumentParser()",
        "parser.add_argument('--lr', type=float, default=0.0002)",
        "opt = parser.parse_args()",
        "def main():",
    ]


def test_unknown_name_is_unresolved() -> None:
    """A name that nothing binds costs nothing and is reported."""
    found = program("x = 1").slice(["VAE"])
    assert found.statements == ()
    assert found.unresolved == {"VAE"}


def test_builtins_are_not_unresolved() -> None:
    """print and __name__ are always there."""
    assert program("def f(): print(__name__, len([]))").slice(["f"]).unresolved == frozenset()


def test_all_strong_bindings_in_order() -> None:
    """Reassignment, augmented and annotated assignment all count."""
    assert sliced("x = 1\ny = 5\nx += 2\nx: int = x * 3\nz: int\n", "x") == ["x = 1", "x += 2", "x: int = x * 3"]


def test_binding_needed_in_between_is_kept_in_order() -> None:
    """y takes the first value of x, and x goes on."""
    assert sliced("x = 1\ny = x\nx = 2", "y") == ["x = 1", "y = x", "x = 2"]


@pytest.mark.parametrize(
    "text",
    [
        "if a:\n    f = 1\nelse:\n    f = 2",
        "try:\n    import fast as f\nexcept ImportError:\n    f = None",
        "with open('x') as f:\n    pass",
        "with open('x') as g:\n    f = g.read()",
        "try:\n    pass\nfinally:\n    f = 1",
        "f, *rest = [1, 2]",
        "[(e, f)] = [(1, 2)]",
        "class f:\n    pass",
        "async def f():\n    pass",
        "from m import g as f",
        "import f.g",
    ],
)
def test_strong_bindings_of_every_kind(text: str) -> None:
    """Each of these binds f, and the whole statement is taken."""
    assert sliced(text, "f") == [ast.unparse(ast.parse(text))]


def test_weak_binding_only_without_a_strong_one() -> None:
    """A loop counts only where nothing else binds the name."""
    assert sliced("for i in range(3):\n    x = i", "x") == ["for i in range(3):\n    x = i"]
    assert sliced("x = 0\nfor i in range(3):\n    x = i", "x") == ["x = 0"]
    assert sliced("while True:\n    x = 1\n    break", "x")
    assert sliced("print(y := 3)\n", "y") == ["print((y := 3))"]


def test_loop_that_trains_is_taken_only_when_asked_for() -> None:
    """A function that reads `loss` of the training loop does not drag the loop in; asking for `loss` does."""
    text = "for e in range(200):\n    loss = net.step()\ndef report():\n    return loss"
    assert sliced(text, "report") == ["def report():\n    return loss"]
    assert program(text).slice(["report"]).unresolved == {"loss"}
    assert len(sliced(text, "loss")) == 1


def test_rebinding_that_trains_is_left_out() -> None:
    """`model = train(model)` is not needed to have a model; train_test_split is no training."""
    text = "model = VAE()\nmodel = train(model)\ndef plot(): return model\nclass VAE: pass\ndef train(m): return m"
    assert heads(text, "plot") == ["model = VAE()", "def plot():", "class VAE:"]
    data = "a = 1\na, b = train_test_split(a)\ndef use(): return a"
    assert len(sliced(data, "use")) == 3


def test_main_guard_statement_by_statement() -> None:
    """Only names bound nowhere else are looked for under the guard, and only their statements are taken."""
    text = """
    class VAE:
        def __init__(self):
            self.k = args.k
    if __name__ == "__main__":
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--k")
        args = parser.parse_args()
        VAE = 3
        train()
        for epoch in range(3): pass
    else:
        imported = True
    """
    assert heads(text, "VAE") == [
        "class VAE:",
        "import argparse",
        "parser = argparse.ArgumentParser()",
        "parser.add_argument('--k')",
        "args = parser.parse_args()",
    ]
    assert heads(text, "imported") == ["imported = True"]


@pytest.mark.parametrize(
    "test", ['"__main__" == __name__', '__name__ == "__main__" and True', "__name__ == '__main__'"]
)
def test_main_guard_in_other_spellings(test: str) -> None:
    """The guard is known by what it compares."""
    assert sliced(f"x = 1\nif {test}:\n    x = 2\n", "x") == ["x = 1"]
    assert len(sliced("x = 1\nif __name__ == 'other':\n    x = 2\n", "x")) == 2  # negative control


def test_star_import_only_when_unresolved() -> None:
    """The star import comes for a name found nowhere else, not for builtins."""
    text = "from hw3_utils import *\ndef f(): return load_mnist()\ndef g(): return sum([1])"
    assert sliced(text, "g") == ["def g():\n    return sum([1])"]
    assert sliced(text, "f")[0] == "from hw3_utils import *"
    guarded = "try:\n    from a import *\nexcept ImportError:\n    from b import *\ndef f(): return x"
    assert len(sliced(guarded, "f")) == 2


def test_future_imports_always() -> None:
    """They change how the rest is compiled, and annotations then need nothing."""
    text = "from __future__ import annotations\nimport pandas as pd\ndef f(x: pd.DataFrame) -> pd.Series: return x"
    assert heads(text, "f") == ["from __future__ import annotations", "def f(x: pd.DataFrame) -> pd.Series:"]
    assert program(text).slice(["f"]).flags
    without = "import pandas as pd\ndef f(x: pd.DataFrame): return x"
    assert heads(without, "f") == ["import pandas as pd", "def f(x: pd.DataFrame):"]


def test_annotations_of_locals_are_never_needed() -> None:
    """Python does not evaluate them."""
    assert heads("import pandas as pd\ndef f():\n    x: pd.DataFrame = 1\n    return x", "f") == ["def f():"]


@pytest.mark.parametrize(
    "change",
    [
        "DNet.forward = forward",
        "DNet.table['k'] = 1",
        "DNet.layers[0].bias = None",
        "DNet.register(1)",
        "DNet.a.b.append(1)",
        "setattr(DNet, 'f', 1)",
        "init_(DNet.weight)",
        "nn.init.zeros_(DNet.bias)",
        "del DNet.extra",
        "DNet.k += 1",
        "for i in range(3):\n    DNet.layers.append(i)",
        "if True:\n    DNet.eval()",
        "with no_grad():\n    DNet.w.fill_(1)",
    ],
)
def test_changes_belong_to_the_name(change: str) -> None:
    """What changes a needed name is part of it."""
    assert change in sliced(f"class DNet: pass\n{change}\nother = 1", "DNet")


@pytest.mark.parametrize(
    "run",
    [
        "net.train()",
        "net.train_model(5)",
        "net.trainGAN()",
        "net.fit(x)",
        "net.load_state_dict(torch.load('x.pt'))",
        "net.visualize_data_space()",
        "results.append(train(net))",
        "for e in range(9):\n    losses.append(1)\n    opt.step()",
        "for e in range(9):\n    losses.append(optimise())",
        "for batch in loader:\n    losses.append(loss.backward())",
        "optimizer.step()",
        "net.forward(x)",
        "DNet().cuda()",
        "print(net.x)",
    ],
)
def test_running_is_no_change(run: str) -> None:
    """Calls that look like running things belong to nobody."""
    text = (
        "net = 1\nlosses = []\nresults = []\noptimizer = 1\nclass DNet: pass\n"
        f"def optimise():\n    loss.backward()\n{run}\ndef use(): return net, losses, results, optimizer, DNet"
    )
    assert run not in sliced(text, "use")


def test_change_without_need_is_not_taken() -> None:
    """A change of something else stays out."""
    assert sliced("a = []\nb = []\na.append(1)\nb.append(2)", "b") == ["b = []", "b.append(2)"]


def test_calls_on_modules_are_no_changes_but_assignments_are() -> None:
    """plt.figure() is not taken with plt; torch.Tensor.cuda = ... is taken with torch."""
    text = "import matplotlib.pyplot as plt, torch\nplt.figure()\ntorch.Tensor.cuda = lambda self: self\n"
    text += "def f(): return plt, torch"
    assert "plt.figure()" not in sliced(text, "f")
    assert "torch.Tensor.cuda = lambda self: self" in sliced(text, "f")


@pytest.mark.parametrize(
    ("imports", "state"),
    [
        ("import torch", "torch.set_default_dtype(torch.float64)"),
        ("import torch", "torch.manual_seed(0)"),
        ("import torch", "torch.backends.cudnn.benchmark = True"),
        ("from torch.backends import cudnn", "cudnn.deterministic = True"),
        ("import torch", "torch.set_num_threads(1)"),
        ("from torch import manual_seed as seed_all", "seed_all(1)"),
        ("import numpy as np", "np.random.seed(1)"),
        ("import random", "random.seed(0)"),
        ("import warnings", "warnings.filterwarnings('ignore')"),
        ("import sys", "sys.path.append('..')"),
        ("import os", "os.environ['CUDA_VISIBLE_DEVICES'] = '0'"),
        ("import os", "os.makedirs('images', exist_ok=True)"),
        ("import os", "if not os.path.exists('images'):\n    os.mkdir('images')"),
        ("import torch", "if torch.cuda.is_available():\n    torch.cuda.manual_seed_all(1)\nelse:\n    print('no')"),
        ("import torch", "try:\n    torch.set_default_device('cpu')\nexcept AttributeError:\n    pass"),
    ],
)
def test_global_state_runs_before_what_is_needed(imports: str, state: str) -> None:
    """State statements run when something after them is needed, and only then."""
    assert sliced(f"{imports}\n{state}\nx = 1", "x") == [imports, state, "x = 1"]
    assert sliced(f"x = 1\n{imports}\n{state}", "x") == ["x = 1"]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nopt = parser.parse_args()\ntorch.manual_seed(opt.seed)\nx = 1",
        "import torch\ntorch.manual_seed(int(input()))\nx = 1",
        "import torch\nif torch.cuda.is_available():\n    torch.cuda.manual_seed(1)\n    train()\nx = 1",
        "import torch\nif torch.cuda.is_available():\n    torch.cuda.manual_seed(1)\n    launch_all()\nx = 1",
        "import matplotlib\nmatplotlib.use('TkAgg')\nx = 1",
        "import matplotlib.pyplot as plt\nplt.rcParams['image.cmap'] = 'gray'\nx = 1",
        "import torch\ntorch.zeros(3)\nx = 1",
        "os = 3\nos.makedirs('images')\nx = 1",
    ],
)
def test_state_that_is_not_worth_it(text: str) -> None:
    """State that needs something run, or that concerns a package nobody uses, stays out."""
    assert sliced(text, "x") == ["x = 1"]


def test_matplotlib_state_comes_with_matplotlib() -> None:
    """Where pyplot is needed, its settings are."""
    text = (
        "import matplotlib.pyplot as plt\nplt.rcParams['image.cmap'] = 'gray'\nplt.style.use('x')\ndef f(): plt.plot()"
    )
    assert len(sliced(text, "f")) == 4


def test_submodule_imports_only_where_used() -> None:
    """`import torch.utils.tensorboard` binds torch, yet only code that names it needs it."""
    text = "import torch\nimport torch.utils.tensorboard\nimport torch.utils.data\n"
    text += "def f(): return torch.zeros(1)\ndef g(): return torch.utils.data.DataLoader"
    assert heads(text, "f") == ["import torch", "def f():"]
    assert heads(text, "g") == ["import torch", "import torch.utils.data", "def g():"]
    alone = "import torch.nn\nimport torch.utils.tensorboard\ndef f(): return torch.zeros(1)"
    assert heads(alone, "f") == ["import torch.nn", "def f():"]


@pytest.mark.parametrize(
    "body",
    [
        "def f(x): return x",
        "def f(*x, **k): return x, k",
        "def f():\n    x = 1\n    return [x for y in x]",
        "def f(): return [x for x in range(3)]",
        "def f(): return {x: x for x in range(3)}",
        "def f(): return lambda x: x",
        "def f():\n    for x in range(3): print(x)",
        "def f():\n    import x\n    x.y()",
        "def f():\n    with open('a') as x: return x",
        "def f():\n    try: pass\n    except Exception as x: print(x)",
        "def f():\n    def x(): pass\n    return x",
        "def f():\n    if (x := 1): return x",
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n    return g",
        "def f():\n    [x := 1 for _ in 'a']\n    return x",
        "def f(a):\n    match a:\n        case {'k': 1, **x}: return x",
        "def f(a):\n    match a:\n        case [1, *x]: return x",
        "class f:\n    x = 1\n    y = x",
        "class f:\n    x, z = 1, 2\n    y = [z for q in x]\nz = 1",
    ],
)
def test_locals_are_no_globals(body: str) -> None:
    """A local x is never taken for the global x."""
    assert "x = train()" not in sliced(f"x = train()\n{body}", "f")


@pytest.mark.parametrize(
    "body",
    [
        "def f(): return x",
        "def f(a=x): pass",
        "def f(a: x): pass",
        "def f() -> x: pass",
        "@x\ndef f(): pass",
        "class f(x): pass",
        "class f(metaclass=x): pass",
        "class f:\n    y = x\n    x = 1",
        "class f:\n    x = 1\n    def g(self): return x",
        "class f:\n    x = 1\n    y = [x for q in range(3)]",
        "class f:\n    if q:\n        x = 1\n    y = x",
        "def f(): return [y for y in x]",
        "def f(): return [x for y in range(3)]",
        "def f(): return [y for y in range(3) if x]",
        "def f():\n    global x\n    x += 1",
        "def f():\n    global x\n    def g(): return x\n    return g",
        "def f():\n    def g():\n        return x\n    return g",
        "def f(): return lambda y=x: y",
        "def f(a):\n    match a:\n        case x.y: pass",
        "f = globals()['x']",
        "f = eval('x + 1')",
        "f = f'{x}'",
        "def f():\n    del x[0]",
        "def f(): x.y = 1",
        "async def f():\n    async for i in x: await i",
    ],
)
def test_globals_are_found(body: str) -> None:
    """The global x is found wherever Python would look it up."""
    assert "x = 1" in sliced(f"q = 0\nx = 1\n{body}", "f")


def test_private_names_are_mangled() -> None:
    """Inside a class, __x is _DNet__x."""
    text = "_DNet__x = 1\n__x = 2\nclass DNet:\n    def f(self): return __x"
    assert sliced(text, "DNet")[0] == "_DNet__x = 1"
    assert "__x = 2" not in sliced(text, "DNet")


def test_syntax_error_costs_its_cell_only() -> None:
    """A notebook keeps its other cells; a script is one chunk and loses all."""
    found = program("x = 1\n", "y = (\n", "z = x\n")
    assert [p.filename for p in found.problems] == ["hw3.ipynb[cell 2]"]
    assert [s.filename for s in found.slice(["z"]).statements] == ["hw3.ipynb[cell 1]", "hw3.ipynb[cell 3]"]
    assert program("x = 1\ny = (\n").statements == ()


def test_syntax_problem_has_line_and_caret() -> None:
    """The problem shows file, line and a caret under the place."""
    (problem,) = program("x = 1\n\ndef f(:\n    pass\n").problems
    assert (problem.filename, problem.line, problem.column, problem.source_line) == ("hw3_gan.py", 3, 7, "def f(:")
    assert str(problem) == "hw3_gan.py, line 3: invalid syntax\n    def f(:\n          ^"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "+".join("1" * 50_000),
        "x = a" + ".b" * 50_000,
        "x = " + "[" * 150 + "]" * 150,
        "x = \0",
        "x = '\ud800'",
        "if 1:\n  x = 1\n\ty = 2",
        "x = f" + "()" * 20_000,
        "if 1: pass\n" + "elif 2: x = 1\n" * 5000,
        "x = " + "not " * 20_000 + "1",
        "x = " + "lambda: " * 3000 + "1",
        "x = " + " if 1 else ".join("1" * 3000),
        "return 5\nx = 1",
        "x = '" + "a" * 1_000_000 + "'",
        "x" * 1_000_000 + " = 1",
        "#" * 1_000_000,
        "",
        "\n" * 100_000,
        "await x",
        "x = yield 1",
        "\x0c\x0cx = 1\x0c",
    ],
)
def test_hostile_sources_are_data(text: str) -> None:
    """Nesting, size and junk give statements or problems, never an exception."""
    found = program(text)
    cut = found.slice([*found.names(), "x"])
    assert len(cut.digest()) == 64
    assert isinstance(cut.source(), str)


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_text_parses_to_something(text: str) -> None:
    """No text raises."""
    found = Program.parse([Chunk("a.py", text)])
    found.slice(found.names()).source()


@pytest.mark.parametrize(
    "line",
    ["x{i} = x{j} + f(x{k})", "def x{i}(a, b):\n    return a + x{j}(b)\n", "torch.manual_seed({i})\nx{i} = x{j}"],
)
def test_ten_thousand_statements(line: str) -> None:
    """Time grows with the size, not with its square: ten times the statements, about ten times the time."""

    def seconds(count: int) -> float:
        text = "import torch\n" + "\n".join(line.format(i=i, j=max(0, i - 1), k=i // 2) for i in range(count))
        chunk = Chunk("a.py", text)
        start = time.process_time()
        found = Program.parse([chunk]).slice([f"x{count - 1}"])
        took = time.process_time() - start
        assert len(found.statements) >= count
        return took

    seconds(100)
    small = min(seconds(1000) for _ in range(2))
    assert min(seconds(10_000) for _ in range(2)) < 40 * small + 0.1


def test_source_is_the_original_text() -> None:
    """Comments inside, quotes and layout of a statement survive; line numbers too, on request."""
    text = (
        "import os, sys  # both\n\na = 1; b = 'é'; c = a\n\n\n@decorate(\n    b)\nclass N:\n    '''multi\nline'''\n"
        "    x = (1,  # one\n         2)\n\nd = N\n"
    )
    cut = program(text).slice(["d", "c", "sys"])
    assert cut.source() == (
        "import sys\na = 1\nb = 'é'\nc = a\n@decorate(\n    b)\nclass N:\n    '''multi\nline'''\n"
        "    x = (1,  # one\n         2)\nd = N\n"
    )
    kept = cut.source(keep_lines=True)
    assert kept.split("\n")[2] == "a = 1; b = 'é'; c = a"
    assert ast.dump(ast.parse(kept), include_attributes=False) == ast.dump(ast.parse(cut.source()))
    assert {n.name: n.lineno for n in ast.parse(kept).body if isinstance(n, ast.ClassDef)} == {"N": 8}


def test_source_of_guarded_statements_is_valid() -> None:
    """Indented statements come out so that they compile, with their strings untouched."""
    text = "if __name__ == '__main__':\n    a = '''x\n  y'''\n    def f():\n        return a, (1,\n  2)\n    b = f()\n"
    cut = Program.parse([Chunk("m.py", text)]).slice(["b"])
    for source in (cut.source(), cut.source(keep_lines=True)):
        namespace: dict[str, object] = {}
        exec(source, namespace)
        assert namespace["b"] == ("x\n  y", (1, 2))


def test_digest_ignores_layout_only() -> None:
    """Comments, blank lines and other statements do not count; a constant does."""
    one = program("import os\n\n# a\ndef f(x):\n    return x  +  1\n").slice(["f"]).digest()
    two = program("def f(x): return x + 1  # b\nz = 3").slice(["f"]).digest()
    three = program("def f(x): return x + 2").slice(["f"]).digest()
    assert one == two != three


GRADER = '''
import pytest
import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from autograder.probes.parameters import load_parameters

POINTS = 4
SIZE = (16, 1, 28, 28)


def images(rng):
    return rng.uniform(*SIZE)


@number("4.a.2")
@weight(POINTS)
@pytest.mark.timeout(20)
def test_discriminator_logits(hw3_gan, rng, observe):
    """DNet computes the logits of Table 1."""
    net = hw3_gan.DNet()
    load_parameters(net, rng)
    observe(logits=net(images(rng)))


def test_other(hw3_gan, observe):
    observe(x=torch.zeros(1))
'''


def test_grader_without_its_decorators() -> None:
    """The decorators and what only they need stay behind."""
    cut = slice_function(program(GRADER), "test_discriminator_logits")
    source = cut.source()
    for gone in ("gradescope_utils", "pytest", "POINTS", "@", "import torch", "test_other"):
        assert gone not in source
    for kept in ("load_parameters", "SIZE = ", "def images", '"""DNet computes'):
        assert kept in source
    kept_lines = cut.source(keep_lines=True).split("\n")
    assert kept_lines.index("def test_discriminator_logits(hw3_gan, rng, observe):") == GRADER.split("\n").index(
        "def test_discriminator_logits(hw3_gan, rng, observe):"
    )


def test_grader_with_its_decorators() -> None:
    """Without stripping, they come along."""
    source = slice_function(program(GRADER), "test_discriminator_logits", strip_decorators=False).source()
    assert "@weight(POINTS)" in source
    assert "import pytest" in source


def test_grader_that_is_not_there() -> None:
    """The error names the file."""
    with pytest.raises(SourceError, match=r"hw3_gan.py has no top-level function 'test_x'"):
        slice_function(program(GRADER), "test_x")


def test_runs_tells_what_would_run() -> None:
    """Loading a name that trains or parses arguments is recognised."""
    found = program(
        "history = train()\nargs = parse_args()\ndef f(): return 1\ndef train(): pass\ndef parse_args(): pass"
    )
    assert [found.runs(name) for name in ("history", "args", "f", "train")] == [True, True, False, False]


@st.composite
def straight_programs(draw: st.DrawFn) -> str:
    """Straight-line programs over few names: assignments, functions, changes, branches, loops without training."""
    names = ["a", "b", "c", "d"]
    lines = [f"{name} = [{i}]" for i, name in enumerate(names)]
    for _ in range(draw(st.integers(1, 14))):
        x, y, z = (draw(st.sampled_from(names)) for _ in range(3))
        n = draw(st.integers(0, 9))
        lines.append(
            draw(
                st.sampled_from(
                    [
                        f"{x} = {y} + [{n}]",
                        f"{x} = {y} + {z}[:2]",
                        f"{x} += [{n}]",
                        f"{x}, {y} = {y}[:3], {z}[:3]",
                        f"{x} = [len(v) for v in ({y}, {z})]",
                        f"{x} = (lambda {y}: {y} + {z}[:2])([{n}])",
                        f"def f_{x}(): return {x}[:2] + {y}[:2]",
                        f"{z} = f_{x}() if 'f_{x}' in dir() else [{n}]",
                        f"if len({x}) > {n}:\n    {y} = [{n}]\nelse:\n    {z} = {x}[:1]",
                        f"{x} = [*{x}]\n{x}.append({n})",
                        f"{x} = [*{x}]\nfor i in range(2):\n    {x}.append(len({y}))",
                        f"class K{x}:\n    {y} = {y} + [{n}]\n    w = {y}\n{z} = K{x}.w",
                        f"with __import__('contextlib').nullcontext({x}[:2]) as {y}:\n    {z} = {y} + [1]",
                        f"try:\n    {x} = {y}[{n}:]\nfinally:\n    {z} = [{n}]",
                    ]
                )
            )
        )
    return "\n".join(lines)


@settings(max_examples=200, deadline=None)
@given(straight_programs())
def test_slice_gives_what_the_whole_program_gives(text: str) -> None:
    """For every name, executing its slice gives the value that executing everything gives."""
    whole: dict[str, object] = {}
    exec(text, whole)
    found = program(text)
    for name in ["a", "b", "c", "d"]:
        if "dir()" in text:
            text = text.replace("dir()", "dir()")
        alone: dict[str, object] = {}
        exec(found.slice([name, *(n for n in found.names() if n.startswith("f_"))]).source(), alone)
        assert alone[name] == whole[name]
