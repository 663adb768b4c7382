"""setup.sh and run_autograder as Gradescope calls them, below a root of our own and with a stub of the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import autograder

PROJECT = Path(__file__).resolve().parents[2]
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((Path(autograder.__file__).parent / "schema" / "results.schema.json").read_text("utf-8"))
)
STUB = """
import json, os, pathlib, sys
def is_open(descriptor):
    try:
        return bool(os.fstat(descriptor))
    except OSError:
        return False
root = pathlib.Path(os.environ["AUTOGRADER_ROOT"])
results = root / "results" / "results.json"
(root / "seen.json").write_text(json.dumps({
    "before": json.loads(results.read_text()),
    "argv": sys.argv[1:],
    "path": sys.path,
    "cwd": os.getcwd(),
    "isolated": sys.flags.isolated,
    "utf8": sys.flags.utf8_mode,
    "origin": __file__,
    "json": json.__file__,
    "environment": dict(os.environ),
    "descriptors": [descriptor for descriptor in range(3, 1024) if is_open(descriptor)],
    "stdin": os.readlink("/proc/self/fd/0") if os.path.exists("/proc/self/fd/0") else os.devnull,
    "umask": os.umask(0o22),
    "parent": os.getppid(),
}))
behaviour = (root / "submission" / "behaviour").read_text()
if behaviour == "nothing":
    sys.exit(0)
if behaviour == "crash":
    sys.exit(3)
results.write_text(json.dumps({**json.loads(results.read_text()), "score": 7}))
if behaviour == "killed":
    os.kill(os.getpid(), 9)
if behaviour == "removed":
    results.unlink()
"""


def run(
    script: Path, root: Path | str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "AUTOGRADER_ROOT": str(root)}
        | environment,
        cwd=cwd or script.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def make_root(folder: Path) -> Path:
    """/autograder as Gradescope makes it: the zip unpacked, `run_autograder` copied, a submission."""
    source = folder / "source"
    (source / "autograder").mkdir(parents=True)
    (source / "autograder" / "__init__.py").write_text("")
    (source / "autograder" / "__main__.py").write_text(STUB)
    (source / "requirements.txt").write_text("torch>=1.0\ntorchvision\nother-package\n")
    for name in ("setup.sh", "run_autograder"):
        shutil.copy(PROJECT / name, source / name)
    shutil.copy(PROJECT / "run_autograder", folder / "run_autograder")
    (folder / "submission").mkdir()
    (folder / "submission" / "behaviour").write_text("fine")
    return folder


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root in which setup.sh has run with the packages of this very Python."""
    root = make_root(tmp_path_factory.mktemp("ready") / "autograder")
    process = run(root / "source" / "setup.sh", root, AUTOGRADER_PYTHON=sys.executable)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "ready: Python 3." in process.stdout
    assert "torch " in process.stdout
    return root


@pytest.fixture
def root(ready: Path) -> Path:
    """The same root as new: no results, and a submission that is fine."""
    for name in ("results", "submission"):
        path = ready / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    (ready / "seen.json").unlink(missing_ok=True)
    (ready / "submission").mkdir()
    (ready / "submission" / "behaviour").write_text("fine")
    return ready


def results_of(root: Path) -> Any:
    document = json.loads((root / "results" / "results.json").read_text("utf-8"))
    SCHEMA.validate(document)
    return document


# --- setup.sh -------------------------------------------------------------------------------------------------------


def test_the_zips_own_package_is_linked_and_compiled(ready: Path) -> None:
    command = [ready / "venv" / "bin" / "python", "-I", "-c", "import autograder; print(autograder.__file__)"]
    origin = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout.strip()
    assert origin == str(ready / "source" / "autograder" / "__init__.py")
    assert list((ready / "source" / "autograder" / "__pycache__").glob("__main__*.pyc"))


def test_setup_can_run_again(ready: Path) -> None:
    process = run(ready / "source" / "setup.sh", ready, AUTOGRADER_PYTHON=sys.executable)
    assert process.returncode == 0, process.stderr


def make_index(folder: Path, broken: str = "", **versions: str) -> str:
    """A package index on disk with an empty package of each name; the `broken` one cannot be imported."""
    for name, version in versions.items():
        package = folder / name.replace("_", "-")
        package.mkdir(parents=True)
        wheel = f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(package / wheel, "w") as archive:
            code = "raise ImportError('built for another torch')" if name == broken else f"__version__ = {version!r}"
            archive.writestr(f"{name}.py", code)
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        (package / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    return folder.as_uri()


def pip_environment(default_index: str, cpu_index: str) -> dict[str, str]:
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": default_index,
        "PIP_RETRIES": "0",
        "AUTOGRADER_TORCH_INDEX": cpu_index,
        "PATH": f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }


def test_cpu_builds_are_installed_where_they_can_be_had(tmp_path: Path) -> None:
    root = make_root(tmp_path / "autograder")
    default = make_index(tmp_path / "default", torch="1.2", torchvision="1.2", other_package="1.0")
    cpu = make_index(tmp_path / "cpu", torch="1.2+cpu", torchvision="1.2+cpu")
    process = run(root / "source" / "setup.sh", root, **pip_environment(default, cpu))
    assert process.returncode == 0, process.stdout + process.stderr
    assert "torch 1.2+cpu, torchvision 1.2+cpu" in process.stdout
    assert "default builds" not in process.stdout
    assert list((root / "venv").glob("lib/*/site-packages/other_package.py"))


def test_default_builds_are_installed_otherwise_and_a_missing_package_is_an_error(tmp_path: Path) -> None:
    root = make_root(tmp_path / "autograder")
    default = make_index(tmp_path / "default", torch="1.2", torchvision="1.2")
    environment = pip_environment(default, (tmp_path / "nowhere").as_uri())
    process = run(root / "source" / "setup.sh", root, **environment)
    assert "installing the default builds" in process.stdout
    assert process.returncode == 1
    assert "setup.sh failed: the packages cannot be installed" in process.stderr
    assert "other-package" in process.stderr, "pip's own words are shown"
    assert f"where: {root / 'source' / 'requirements.txt'}" in process.stderr
    assert "what to do: Build the image again" in process.stderr


def test_default_builds_replace_cpu_builds_that_do_not_fit_each_other(tmp_path: Path) -> None:
    root = make_root(tmp_path / "autograder")
    default = make_index(tmp_path / "default", torch="1.1", torchvision="1.1", other_package="1.0")
    cpu = make_index(tmp_path / "cpu", broken="torchvision", torch="1.2+cpu", torchvision="1.2+cpu")
    process = run(root / "source" / "setup.sh", root, **pip_environment(default, cpu))
    assert process.returncode == 0, process.stdout + process.stderr
    assert "built for another torch" in process.stderr
    assert "installing the default builds" in process.stdout
    assert "torch 1.1, torchvision 1.1" in process.stdout


def few_tools(folder: Path, *more: str) -> Path:
    """A PATH without Python and apt-get."""
    folder.mkdir()
    for name in ("bash", "env", "cat", "mktemp", "rm", "grep", *more):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def write_script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("break_it", "message", "remedy"),
    [
        ("no source", "the autograder is not there", "Unpack the zip"),
        ("no requirements", "the list of packages is missing", "Build the zip again"),
        ("no such Python", "there is no such Python", "Name an interpreter that exists"),
        ("old AUTOGRADER_PYTHON", "this Python is older than 3.10", "Set AUTOGRADER_PYTHON to a later one"),
        ("no Python, no apt-get", "there is no Python 3.10 or later", "Choose an image"),
        ("old Python from apt-get", "this image's Python is older than 3.10", "Choose an image"),
        ("no venv module", "this Python cannot make virtual environments", "Install the package python"),
        ("syntax error", "the autograder does not compile", "Build the zip again"),
        ("import error", "the autograder does not start", "Read the error above"),
    ],
)
def test_failures_say_what_where_and_what_to_do(tmp_path: Path, break_it: str, message: str, remedy: str) -> None:
    root = make_root(tmp_path / "autograder")
    script = tmp_path / "setup.sh"
    shutil.copy(PROJECT / "setup.sh", script)
    tools = few_tools(tmp_path / "bin")
    environment: dict[str, str] = {}
    if break_it == "no source":
        shutil.rmtree(root / "source")
    elif break_it == "no requirements":
        (root / "source" / "requirements.txt").unlink()
    elif break_it == "no such Python":
        environment["AUTOGRADER_PYTHON"] = "/nowhere/python"
    elif break_it == "old AUTOGRADER_PYTHON":
        write_script(tmp_path / "old", "exit 1")
        environment["AUTOGRADER_PYTHON"] = str(tmp_path / "old")
    elif break_it == "no Python, no apt-get":
        environment["PATH"] = str(tools)
    elif break_it == "old Python from apt-get":
        write_script(tmp_path / "old", "echo Python 3.8; exit 1")
        write_script(tools / "apt-get", f"{shutil.which('ln')} -sf {tmp_path}/old {tools}/python3")
        environment["PATH"] = str(tools)
    elif break_it == "no venv module":
        write_script(tools / "python3", f'[[ "$*" == *ensurepip* ]] && exit 1; exec {sys.executable} "$@"')
        environment["PATH"] = str(tools)
    else:
        environment["AUTOGRADER_PYTHON"] = sys.executable
        text = "def f(:" if break_it == "syntax error" else "import not_there_at_all"
        (root / "source" / "autograder" / "__init__.py").write_text(text)
    process = run(script, root, **environment)
    assert process.returncode == 1
    assert f"setup.sh failed: {message}" in process.stderr
    assert "  where: " in process.stderr
    assert f"  what to do: {remedy}" in process.stderr


def test_a_result_that_blames_nobody_stands_before_the_first_run(tmp_path: Path) -> None:
    root = make_root(tmp_path / "autograder")
    (root / "results").mkdir()
    (root / "results" / "results.json").write_text('{"score": 100}')
    process = run(root / "source" / "setup.sh", root, AUTOGRADER_PYTHON=sys.executable)
    assert process.returncode == 0, process.stderr
    assert results_of(root)["score"] == 0
    assert "not your fault" in results_of(root)["output"]
    assert os.listdir(root / "results") == ["results.json"]


# --- run_autograder -------------------------------------------------------------------------------------------------


def test_a_run(root: Path) -> None:
    process = run(root / "run_autograder", root, cwd=root / "submission")
    assert process.returncode == 0, process.stderr
    assert results_of(root)["score"] == 7
    seen = json.loads((root / "seen.json").read_text())
    assert seen["argv"] == ["run"]
    assert seen["cwd"] == str(root / "source")
    assert seen["isolated"] == seen["utf8"] == 1
    assert seen["origin"] == str(root / "source" / "autograder" / "__main__.py")
    SCHEMA.validate(seen["before"])
    assert seen["before"]["score"] == 0
    assert seen["before"]["stdout_visibility"] == "hidden"
    assert "not your fault" in seen["before"]["output"]
    assert os.listdir(root / "results") == ["results.json"]
    assert (root / "results" / "results.json").stat().st_mode & 0o777 == 0o644


def test_nothing_of_the_submission_can_be_imported(root: Path) -> None:
    for name in ("json", "torch", "sitecustomize", "usercustomize", "autograder"):
        (root / "submission" / f"{name}.py").write_text("raise SystemExit('the submission was imported')")
    process = run(
        root / "run_autograder",
        root,
        cwd=root / "submission",
        PYTHONPATH=str(root / "submission"),
        PYTHONHOME="/nowhere",
        PYTHONUSERBASE=str(root / "submission"),
        PYTHONSTARTUP=str(root / "submission" / "json.py"),
    )
    assert process.returncode == 0, process.stderr
    assert results_of(root)["score"] == 7
    seen = json.loads((root / "seen.json").read_text())
    assert not [entry for entry in seen["path"] if "submission" in entry or entry in ("", ".")]
    assert "submission" not in seen["json"]


@pytest.mark.parametrize("through", ["run_autograder", "Python itself"])
def test_nothing_is_inherited(root: Path, tmp_path: Path, through: str) -> None:
    """Python started by itself is the control: it sees all that was planted."""
    secret = tmp_path / "secret"
    secret.write_text("a word that no child may see")
    command = [root / "run_autograder"]
    if through == "Python itself":
        (root / "results").mkdir()
        (root / "results" / "results.json").write_text("{}")
        command = [root / "venv" / "bin" / "python", "-I", "-X", "utf8", "-m", "autograder", "run"]
    subprocess.run(
        ["bash", "-c", 'umask 0; exec "$@" <"$SECRET" 7<"$SECRET" 63<"$SECRET" 255<"$SECRET"', "bash", *command],
        env={"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root), "SECRET": str(secret)},
        capture_output=True,
        check=True,
    )
    seen = json.loads((root / "seen.json").read_text())
    if through == "Python itself":
        assert {7, 63, 255} <= set(seen["descriptors"])
        assert seen["environment"]["SECRET"] == seen["stdin"] == str(secret)
        assert seen["umask"] == 0
        return
    assert seen["descriptors"] == []
    assert seen["environment"].keys() == {"PATH", "LANG", "AUTOGRADER_ROOT", "AUTOGRADER_PARENT"}
    assert seen["environment"]["AUTOGRADER_PARENT"] == str(seen["parent"]), "no shell stands between them"
    assert (seen["stdin"], seen["umask"]) == (os.devnull, 0o77)


def test_a_root_given_relative_to_the_working_directory(root: Path) -> None:
    process = run(root / "run_autograder", root.name, cwd=root.parent)
    assert process.returncode == 0, process.stderr
    assert results_of(root)["score"] == 7


@pytest.mark.parametrize(
    ("behaviour", "score", "said", "status"),
    [
        ("nothing", 0, "", 0),
        ("crash", 0, "(status 3)", 1),
        ("killed", 7, "ended by signal 9", 1),
        ("removed", 0, "", 0),
    ],
)
def test_whatever_python_does_a_result_stands(root: Path, behaviour: str, score: int, said: str, status: int) -> None:
    (root / "submission" / "behaviour").write_text(behaviour)
    process = run(root / "run_autograder", root)
    assert process.returncode == status
    assert (root / "results" / "results.json").stat().st_mode & 0o777 == 0o644
    assert results_of(root)["score"] == score
    assert said in process.stdout


def test_a_result_of_an_earlier_run_does_not_survive(root: Path) -> None:
    (root / "results").mkdir()
    (root / "results" / "results.json").write_text('{"score": 100}')
    (root / "submission" / "behaviour").write_text("crash")
    assert run(root / "run_autograder", root).returncode == 1
    assert results_of(root)["score"] == 0


def test_without_python_there_is_a_result_that_blames_nobody(tmp_path: Path) -> None:
    root = make_root(tmp_path / "autograder")
    process = run(root / "run_autograder", root)
    assert process.returncode == 1
    assert "setup.sh did not finish" in process.stdout
    assert "not your fault" in results_of(root)["output"]


def test_where_no_result_can_stand_the_status_says_so(root: Path) -> None:
    (root / "results").write_text("a file where the folder should be")
    process = run(root / "run_autograder", root)
    assert process.returncode == 1
    assert "no result to give" in process.stdout


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
def test_shellcheck(name: str) -> None:
    process = subprocess.run(["shellcheck", PROJECT / name], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout


@pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
def test_gradescope_can_execute_it(name: str) -> None:
    assert (PROJECT / name).stat().st_mode & 0o111 == 0o111
    assert (PROJECT / name).read_bytes().startswith(b"#!/usr/bin/env bash\n"), "no carriage returns"
