#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image of the autograder:
#   /autograder/source   the unpacked zip       /autograder/venv   made here
#
# Variables, for tests, for the demo and for other graders than Gradescope:
#   AUTOGRADER_ROOT         in place of /autograder
#   AUTOGRADER_PYTHON       a Python that has all packages already: nothing is installed then
#   AUTOGRADER_TORCH_INDEX  where PyTorch's CPU builds are, in place of PyTorch's own index
set -Eeuo pipefail

ROOT="${AUTOGRADER_ROOT:-/autograder}"
SOURCE="$ROOT/source"
VENV="$ROOT/venv"
TORCH_INDEX="${AUTOGRADER_TORCH_INDEX:-https://download.pytorch.org/whl/cpu}"
BASE_IMAGE="Choose an image with Ubuntu 22.04 or later under Configure Autograder."

say() { printf 'setup.sh: %s\n' "$1"; }

fail() { # what happened, where, what to do
    printf '\nsetup.sh failed: %s\n  where: %s\n  what to do: %s\n' "$1" "$2" "$3" >&2
    exit 1
}

trap 'fail "the command \`$BASH_COMMAND\` ended with status $?" "setup.sh, line $LINENO" \
    "Read the lines above this one; they are the command'\''s own."' ERR

is_recent_enough() { "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }

can_make_environments() { "$1" -I -c 'import ensurepip, venv' >/dev/null 2>&1; }

find_python() { # prints the first Python that is recent enough, or nothing
    local name
    for name in python3 python3.13 python3.12 python3.11 python3.10; do
        if command -v "$name" >/dev/null && is_recent_enough "$name"; then
            command -v "$name"
            return
        fi
    done
}

apt_install() {
    command -v apt-get >/dev/null || return 1
    say "installing $*"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

ensure_python() { # sets PYTHON
    PYTHON="$(find_python)"
    if [[ -z "$PYTHON" ]]; then
        apt_install python3 ||
            fail "there is no Python 3.10 or later, and apt-get cannot install one" "the image" "$BASE_IMAGE"
        PYTHON="$(find_python)"
        [[ -n "$PYTHON" ]] || fail "this image's Python is older than 3.10" "$(python3 -V 2>&1 || true)" "$BASE_IMAGE"
    fi
    if ! can_make_environments "$PYTHON"; then
        local version
        version="$("$PYTHON" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
        apt_install "python$version-venv" || apt_install python3-venv || true
        can_make_environments "$PYTHON" ||
            fail "this Python cannot make virtual environments" "$PYTHON" "Install the package python$version-venv."
    fi
}

pip_install() { "$VENV/bin/python" -I -m pip install --no-input --no-cache-dir --disable-pip-version-check -q "$@"; }

install_torch() { # torch and torchvision that fit each other
    local wanted="$1"
    say "installing PyTorch's CPU builds from $TORCH_INDEX"
    if ! { pip_install --retries 2 --timeout 30 --index-url "$TORCH_INDEX" -r "$wanted" && imports_torch; }; then
        say "that did not work; installing the default builds, which are several GB larger and work as well"
        "$VENV/bin/python" -I -m pip uninstall --yes -q torch torchvision
        pip_install -r "$wanted" ||
            fail "PyTorch cannot be installed" "pip, above" "Build the image again; if this stays, check its network."
    fi
}

imports_torch() { "$VENV/bin/python" -I -W ignore -c 'import torch, torchvision'; }

install_packages() {
    local requirements="$SOURCE/requirements.txt" wanted
    [[ -f "$requirements" ]] || fail "the list of packages is missing" "$requirements" "Build the zip again."
    "$PYTHON" -I -m venv --clear "$VENV" ||
        fail "the virtual environment cannot be made" "$VENV" "Make room on the disk, and build the image again."
    wanted="$(mktemp)"
    grep -E '^(torch|torchvision)([^[:alnum:]_.-]|$)' "$requirements" >"$wanted" || printf 'torch\ntorchvision\n' >"$wanted"
    install_torch "$wanted"
    rm -f "$wanted"
    say "installing the other packages"
    pip_install -r "$requirements" ||
        fail "the packages cannot be installed" "$requirements" "Build the image again; pip says above what it misses."
}

reuse_packages() { # an environment of its own that finds the packages of AUTOGRADER_PYTHON
    say "using the packages of $AUTOGRADER_PYTHON"
    PYTHON="$(command -v "$AUTOGRADER_PYTHON")" ||
        fail "there is no such Python" "AUTOGRADER_PYTHON=$AUTOGRADER_PYTHON" "Name an interpreter that exists."
    is_recent_enough "$PYTHON" || fail "this Python is older than 3.10" "$PYTHON" "Set AUTOGRADER_PYTHON to a later one."
    "$PYTHON" -I -m venv --clear --without-pip "$VENV"
}

link_packages() { # the zip's own package comes first; nothing has to be built or fetched for it
    "$VENV/bin/python" -I - "$SOURCE" "$@" <<'PYTHON'
import pathlib
import sys
import sysconfig

source, *reused = sys.argv[1:]
lines = [source, *(f"import site; site.addsitedir({folder!r})" for folder in reused)]
pathlib.Path(sysconfig.get_path("purelib"), "autograder.pth").write_text("\n".join(lines) + "\n")
PYTHON
}

check() {
    "$VENV/bin/python" -I - "$SOURCE" <<'PYTHON'
import pathlib
import sys

import autograder
import torch
import torchvision

origin = pathlib.Path(autograder.__file__).resolve()
if not origin.is_relative_to(pathlib.Path(sys.argv[1]).resolve()):
    sys.exit(f"autograder is imported from {origin} and not from the zip")
print(f"setup.sh: ready: Python {sys.version.split()[0]}, torch {torch.__version__}, torchvision {torchvision.__version__}")
PYTHON
}

[[ -d "$SOURCE/autograder" ]] ||
    fail "the autograder is not there" "$SOURCE/autograder" "Unpack the zip into $SOURCE, or set AUTOGRADER_ROOT."
ROOT="$(cd "$ROOT" && pwd)" SOURCE="$(cd "$SOURCE" && pwd)" VENV="$ROOT/venv"

if [[ -n "${AUTOGRADER_PYTHON:-}" ]]; then
    reuse_packages
    mapfile -t folders < <("$PYTHON" -I -c 'import site; print(*site.getsitepackages(), sep="\n")')
    link_packages "${folders[@]}"
else
    ensure_python
    install_packages
    link_packages
fi

"$VENV/bin/python" -I -m compileall -q "$SOURCE/autograder" ||
    fail "the autograder does not compile" "$SOURCE/autograder" "Build the zip again; it may be damaged."
check || fail "the autograder does not start" "$VENV/bin/python" "Read the error above; it names what is missing."

# How far students' code will be isolated; where it is too little, what to do about it.
"$VENV/bin/python" -I -X utf8 -m autograder doctor || say "students' code is not isolated as it should be: see above"

# Caches, above all matplotlib's list of fonts: built now, and not during the first submission.
"$VENV/bin/python" -I -X utf8 -m autograder warm || say "the caches are not warm: the first submission will take longer"

# For a run that is killed before its first line: every later moment has a results.json of its own.
AUTOGRADER_ROOT="$ROOT" bash "$SOURCE/run_autograder" not-graded ||
    fail "the results' folder cannot be written" "$ROOT/results" "Make room on the disk, and build the image again."
