"""The student template: stubs for solutions, nothing of a solution left, and errors that name file and line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import UserError
from autograder.templates import find_leaks, generate_template, solution_lines, write_templates

REFERENCE = '''\
"""A model."""
import math  # only the solution needs it

import torch


class VAE:
    """The model."""

    beta = 1.0

    def elbo_loss(self, x):
        """The objective.

        ### BEGIN SOLUTION (in a docstring this is no marker)
        """
        ### BEGIN SOLUTION
        # the reconstruction term, weighted
        value = torch.log(x).sum(dim=1)

        return (
    value.mean()  # an odd but legal continuation
        )
        ### END SOLUTION

    def _weight_init(self):
        ### BEGIN SOLUTION: pass
        for layer in self.children():
            torch.nn.init.zeros_(layer.bias)
        ### END SOLUTION

    async def fit(self):
        def step(batch):
            total = 0
            ### BEGIN SOLUTION
            total += self.elbo_loss(batch)
            ### END SOLUTION
            return total

        return step
'''

TEMPLATE = '''\
"""A model."""
import math  # only the solution needs it

import torch


class VAE:
    """The model."""

    beta = 1.0

    def elbo_loss(self, x):
        """The objective.

        ### BEGIN SOLUTION (in a docstring this is no marker)
        """
        # YOUR CODE HERE
        raise NotImplementedError("VAE.elbo_loss")

    def _weight_init(self):
        # YOUR CODE HERE
        pass

    async def fit(self):
        def step(batch):
            total = 0
            # YOUR CODE HERE
            raise NotImplementedError("VAE.fit.step")
            return total

        return step
'''


def test_regions_become_stubs_and_all_else_stays() -> None:
    assert generate_template(REFERENCE, "vae.py") == TEMPLATE


def test_a_template_is_its_own_template() -> None:
    assert generate_template(TEMPLATE, "vae.py") == TEMPLATE


def test_a_file_without_regions_stays_as_it_is() -> None:
    text = "x = 1\n\n\ndef f(): return x"
    assert generate_template(text, "given.py") == text


def test_line_ends_and_tabs() -> None:
    text = "def f():\r\n\t### BEGIN SOLUTION\r\n\tx = 1\r\n\treturn x\r\n\t### END SOLUTION\r\n"
    expected = 'def f():\n\t# YOUR CODE HERE\n\traise NotImplementedError("f")\n'
    assert generate_template(text, "f.py") == expected
    assert generate_template("\ufeff" + text, "f.py") == expected


def test_the_stub_of_a_method_runs_as_an_exception_with_its_name() -> None:
    namespace: dict[str, Any] = {}
    text = "class A:\n    def f(self):\n        ### BEGIN SOLUTION\n        return 1\n        ### END SOLUTION\n"
    exec(generate_template(text, "a.py"), namespace)
    with pytest.raises(NotImplementedError, match=r"^A\.f$"):
        namespace["A"]().f()


def test_a_function_inside_a_region_is_not_what_the_stub_names() -> None:
    text = (
        "def outer():\n    ### BEGIN SOLUTION\n    def inner():\n        return 1\n"
        "    return inner\n    ### END SOLUTION\n"
    )
    assert 'NotImplementedError("outer")' in generate_template(text, "a.py")


def test_a_class_in_a_function_and_a_region_at_module_level_with_a_stub() -> None:
    text = "### BEGIN SOLUTION: LIMIT = None\nLIMIT = 3\n### END SOLUTION\n"
    assert generate_template(text, "a.py") == "# YOUR CODE HERE\nLIMIT = None\n"


def body(*lines: str) -> str:
    return "\n".join(["def f(x):", *(f"    {line}" if line else "" for line in lines), ""])


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (body("### BEGIN SOLUTION", "return 1"), 2, "never ends"),
        (body("return 1", "### END SOLUTION"), 3, "never began"),
        (body("### BEGIN SOLUTION", "x = 1", "### BEGIN SOLUTION", "x = 2", "### END SOLUTION"), 4, "inside the one"),
        (body("### BEGIN SOLUTION", "### END SOLUTION", "return x"), 2, "holds no code"),
        (body("### BEGIN SOLUTION", "# only words", "### END SOLUTION", "return x"), 2, "holds no code"),
        (body("if x:", "### BEGIN SOLUTION", "    return 1", "### END SOLUTION"), 4, "not indented like its marker"),
        (body("if x:", "    ### BEGIN SOLUTION", "    x = 1", "x = 2", "    ### END SOLUTION"), 5, "indented less"),
        (body("### BEGIN SOLUTION", "return 1", "  ### END SOLUTION"), 4, "not indented like its BEGIN"),
        ("def f():\n\t### BEGIN SOLUTION\n\treturn 1\n        ### END SOLUTION\n", 4, "not indented like its BEGIN"),
        (body("# BEGIN SOLUTION", "return 1", "# END SOLUTION"), 2, "looks like a solution marker"),
        (body("### begin solution", "return 1", "### END SOLUTION"), 2, "looks like a solution marker"),
        (body("### BEGIN SOLUTION", "return 1", "### END SOLUTIONS"), 4, "looks like a solution marker"),
        (body("### BEGIN SOLUTION:", "return 1", "### END SOLUTION"), 2, "looks like a solution marker"),
        (body("x = 1  ### BEGIN SOLUTION", "return 1", "### END SOLUTION"), 2, "line of its own"),
        (body("y = [", "    ### BEGIN SOLUTION", "    1,", "    ### END SOLUTION", "]"), 3, "holds no code"),
        (body("### BEGIN SOLUTION: return (", "return 1", "### END SOLUTION"), 2, "does not compile"),
        (body("### BEGIN SOLUTION", "if x:", "    y = 1", "### END SOLUTION", "else:", "    y = 2"), 6, "not compile"),
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n", 1, "outside every function"),
        ("class A:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION\n", 2, "outside every function"),
        ("x = 1\ndef f(:\n    pass\n", 2, "not valid Python"),
    ],
)
def test_errors_name_file_and_line(text: str, line: int, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        generate_template(text, "hw.py")
    assert caught.value.where == f"hw.py, line {line}"


names = st.sampled_from(["a", "b", "net", "loss"])


@st.composite
def references(draw: st.DrawFn) -> tuple[str, int]:
    """(a reference with solution regions, how many), of functions in classes in any mixture."""
    lines, count = [], 0
    for index in range(draw(st.integers(1, 4))):
        depth = draw(st.integers(0, 2))
        for level in range(depth):
            lines.append("    " * level + f"class C{index}{level}:")
        lines.append("    " * depth + f"def f{index}(x):")
        for _ in range(draw(st.integers(1, 3))):
            lines.append("    " * (depth + 1) + f"outside_{draw(names)} = x")
            if draw(st.booleans()):
                count += 1
                lines.append("    " * (depth + 1) + "### BEGIN SOLUTION")
                for _ in range(draw(st.integers(1, 3))):
                    lines.append("    " * (depth + 1) + f"secret_{draw(names)} = {draw(names)}(x, {count})")
                lines.append("    " * (depth + 1) + "### END SOLUTION")
    return "\n".join(lines) + "\n", count


@settings(deadline=None)
@given(references())
def test_no_template_holds_a_solution(reference: tuple[str, int]) -> None:
    text, count = reference
    template = generate_template(text, "any.py")
    compile(template, "any.py", "exec")
    assert "secret" not in template
    assert template.count("# YOUR CODE HERE") == count
    assert template.count("outside_") == text.count("outside_")
    assert generate_template(text, "any.py") == template
    secrets = solution_lines(text)
    assert not find_leaks(template, secrets)
    assert len(find_leaks(text, secrets)) == text.count("secret_"), "the control: the check finds every line"


# --- leaks ----------------------------------------------------------------------------------------------------------


def test_solution_lines_are_those_that_tell_something() -> None:
    text = body(
        "### BEGIN SOLUTION",
        "import math",
        "for x, y in loader:",
        "    loss.backward()",
        "    std = torch.sqrt( variance )   # σ",
        "    # minus the log-density of x_d",
        "    shared = function(of, many)",
        "### END SOLUTION",
        "shared = function(of, many)",
    )
    assert solution_lines(text) == {"std=torch.sqrt(variance)", "minusthelog-densityofx_d"}


@pytest.mark.parametrize(
    "leak",
    [
        "std = torch.sqrt(variance)",
        "        std  =  torch.sqrt(variance)  # here",
        "# std = torch.sqrt(variance)",
        "if ok: std = torch.sqrt(variance)",
        '   "    std = torch.sqrt(variance)\\n",',
        '{"source": "def f():\\n    std = torch.sqrt(variance)\\n    return std"}',
    ],
)
def test_leaks_are_found_in_code_comments_and_json(leak: str) -> None:
    assert find_leaks(f"x = 1\n{leak}\n", {"std=torch.sqrt(variance)"}) == [(2, leak.strip())]
    assert find_leaks(f"x = 1\n{leak.replace('sqrt', 'exp')}\n", {"std=torch.sqrt(variance)"}) == []


# --- notebooks ------------------------------------------------------------------------------------------------------


def notebook(*sources: str | list[str], minor: int = 5) -> str:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": "# ### BEGIN SOLUTION is text"}]
    for source in sources:
        output = {"output_type": "stream", "name": "stdout", "text": "the secret result"}
        cells.append({"cell_type": "code", "metadata": {}, "source": source, "outputs": [output], "execution_count": 7})
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor})


CELL = "%matplotlib inline\ndef f(x):\n    ### BEGIN SOLUTION\n    return torch.exp(x)\n    ### END SOLUTION"


@pytest.mark.parametrize("minor", [4, 5])
@pytest.mark.parametrize("source", [CELL, CELL.splitlines(keepends=True), CELL.replace("\n", "\r\n")])
def test_a_notebooks_cells_become_stubs_without_outputs(source: str | list[str], minor: int) -> None:
    text = notebook(source, "%%bash\nls -l | wc", minor=minor)
    template = generate_template(text, "hw.ipynb")
    assert generate_template(text, "hw.ipynb") == template, "no random cell ids"
    document = json.loads(template)
    markdown, first, second = document["cells"]
    assert "".join(first["source"]) == (
        '%matplotlib inline\ndef f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError("f")'
    )
    assert "".join(second["source"]) == "%%bash\nls -l | wc"
    assert "".join(markdown["source"]) == "# ### BEGIN SOLUTION is text"
    assert "secret" not in template
    assert first["outputs"] == []
    assert first["execution_count"] is None
    assert not find_leaks(template, solution_lines(text))
    assert find_leaks(text, solution_lines(text))


def test_a_region_may_stand_at_a_notebooks_top_level() -> None:
    template = generate_template(notebook("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"), "hw.ipynb")
    assert "".join(json.loads(template)["cells"][1]["source"]).endswith('raise NotImplementedError("cell 2")')


def test_a_continuation_that_looks_like_a_magic_line_is_left_alone() -> None:
    text = 'def f(x):\n    ### BEGIN SOLUTION\n    y = ("%d"\n    % x)\n    return y\n    ### END SOLUTION\n'
    assert 'NotImplementedError("f")' in generate_template(text, "f.py")
    assert 'NotImplementedError(\\"f\\")' in generate_template(notebook(text), "f.ipynb")


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        (notebook("x = 1", "### BEGIN SOLUTION\nx = 1"), "hw.ipynb, cell 3, line 1", "never ends"),
        ("{", "hw.ipynb", "not a notebook"),
        ('{"cells": 3, "nbformat": 4}', "hw.ipynb", "not a notebook"),
        ('{"cells": [], "nbformat": 3, "nbformat_minor": 0}', "hw.ipynb", "format 3"),
        ('{"cells": [], "nbformat": 4}', "hw.ipynb", "nbformat_minor"),
        (
            '{"cells": [{"cell_type": "code", "source": "x"}], "nbformat": 4, "nbformat_minor": 4}',
            "hw.ipynb",
            "not a valid",
        ),
    ],
)
def test_a_notebooks_errors_name_the_cell(text: str, where: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        generate_template(text, "hw.ipynb")
    assert caught.value.where == where


# --- model answers --------------------------------------------------------------------------------------------------

ANSWER = """**Answer 1.a**

<!-- BEGIN SOLUTION -->
The generator ends in tanh, so its images lie in $[-1, 1]$.
The gradient \\nabla_\\theta of "this" says the rest.

![a plot](attachment:plot.png)
<!-- END SOLUTION -->"""


def answer_notebook(source: str | list[str], **more: Any) -> str:
    """A notebook with a question, and this markdown cell as its answer."""
    question = {"cell_type": "markdown", "metadata": {}, "source": "**Question 1.a** Why [-1, 1]?\n\nThink of tanh."}
    answer = {"cell_type": "markdown", "metadata": {"tags": ["answer"]}, "source": source, **more}
    return json.dumps({"cells": [question, answer], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.parametrize("source", [ANSWER, ANSWER.splitlines(keepends=True), ANSWER.replace("\n", "\r\n")])
def test_a_model_answer_becomes_a_placeholder(source: str | list[str]) -> None:
    picture = {"image/png": "aGVsbG8="}
    text = answer_notebook(source, attachments={"plot.png": picture})
    template = generate_template(text, "hw.ipynb")
    question, answer = json.loads(template)["cells"]
    assert "".join(answer["source"]) == "**Answer 1.a**\n\n*Write your answer here.*"
    assert answer["metadata"] == {"tags": ["answer"]}
    assert "attachments" not in answer
    assert "".join(question["source"]).endswith("Think of tanh.")
    assert generate_template(template, "hw.ipynb") == template
    assert not find_leaks(template, solution_lines(text))


def test_pictures_outside_of_a_model_answer_stay() -> None:
    pictures = {"plot.png": {"image/png": "aGVsbG8="}, "given.png": {"image/png": "aGVsbG8="}}
    text = answer_notebook("![](attachment:given.png)\n" + ANSWER, attachments=pictures)
    answer = json.loads(generate_template(text, "hw.ipynb"))["cells"][1]
    assert list(answer["attachments"]) == ["given.png"]
    untouched = json.loads(generate_template(answer_notebook("x", attachments=pictures), "hw.ipynb"))["cells"][1]
    assert untouched["attachments"] == pictures


def test_a_model_answers_sentences_are_secrets() -> None:
    text = answer_notebook(ANSWER + "\n\n<!-- BEGIN SOLUTION -->\nThink of tanh.\nYes.\n<!-- END SOLUTION -->")
    secrets = solution_lines(text)
    assert len(secrets) == 3, "the question's own words and a word or two tell nothing"
    copied = answer_notebook(ANSWER.replace("<!-- BEGIN SOLUTION -->", "").replace("<!-- END SOLUTION -->", ""))
    assert len(find_leaks(copied, secrets)) == 1, "one line of JSON that is not indented"
    assert len(find_leaks(json.dumps(json.loads(copied), indent=1), secrets)) == 1
    assert len(find_leaks(ANSWER, secrets)) == 3, "LaTeX and quotes, as they are and escaped"
    assert len(find_leaks(json.dumps(ANSWER.split("\n"), indent=1), secrets)) == 3
    assert find_leaks(answer_notebook("**Answer 1.a**\n\nsomething else"), secrets) == []


@pytest.mark.parametrize(
    ("cell", "line", "message"),
    [
        ("<!-- BEGIN SOLUTION -->\nyes", 1, "never ends"),
        ("**Answer 1.a**\nyes\n<!-- END SOLUTION -->", 3, "never began"),
        ("<!-- BEGIN SOLUTION -->\nx\n<!-- BEGIN SOLUTION -->\ny\n<!-- END SOLUTION -->", 3, "inside the one"),
        ("<!-- BEGIN SOLUTION -->\n\n<!-- END SOLUTION -->", 1, "has no text"),
        ("<!-- begin solution -->\nyes\n<!-- END SOLUTION -->", 1, "looks like a marker"),
        ("<!-- BEGIN SOLUTION --> yes\n<!-- END SOLUTION -->", 1, "looks like a marker"),
        ("<!-- BEGIN SOLUTION -->\nyes\n<!--END SOLUTION-->", 3, "looks like a marker"),
    ],
)
def test_errors_of_model_answers_name_the_cell(cell: str, line: int, message: str) -> None:
    for check in (lambda text: generate_template(text, "hw.ipynb"), solution_lines):
        with pytest.raises(UserError, match=message) as caught:
            check(answer_notebook(cell))
        assert caught.value.where in (f"hw.ipynb, cell 2, line {line}", f"reference, cell 2, line {line}")


# --- files ----------------------------------------------------------------------------------------------------------


def test_templates_are_written_under_the_same_paths(tmp_path: Path) -> None:
    reference, target = tmp_path / "reference", tmp_path / "template" / "hw"
    (reference / "data").mkdir(parents=True)
    (reference / "vae.py").write_text(REFERENCE)
    (reference / "data" / "digits.bin").write_bytes(b"\x00\xff\r\n")
    paths = write_templates(reference, target, ["vae.py", "data/digits.bin"])
    assert paths == (target / "vae.py", target / "data" / "digits.bin")
    assert paths[0].read_text() == TEMPLATE
    assert paths[1].read_bytes() == b"\x00\xff\r\n"
    os.utime(paths[0], (1, 1))
    write_templates(reference, target, ["vae.py"])
    assert paths[0].stat().st_mtime == 1, "what is up to date is not touched"
    paths[0].write_text("old")
    write_templates(reference, target, ["vae.py"])
    assert paths[0].read_text() == TEMPLATE


def test_nothing_is_written_where_one_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(REFERENCE)
    (tmp_path / "bad.py").write_text("### END SOLUTION\n")
    with pytest.raises(UserError, match="never began"):
        write_templates(tmp_path, tmp_path / "out", ["good.py", "bad.py"])
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read") as caught:
        write_templates(tmp_path, tmp_path / "out", ["missing.py"])
    assert str(tmp_path / "missing.py") in str(caught.value)
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    with pytest.raises(UserError, match="cannot read"):
        write_templates(tmp_path, tmp_path / "out", ["latin.py"])
    (tmp_path / "fine.py").write_text("x = 1\n")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_templates(tmp_path, tmp_path / "file" / "out", ["fine.py"])
