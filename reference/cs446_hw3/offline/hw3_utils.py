"""What replaces parts of the given hw3_utils.py when a submission is graded.

The harness executes the given hw3_utils.py and then this file in the same module namespace, so that every name stays as
students know it and only the source of the data changes: the folder named by the environment variable AUTOGRADER_DATA,
which holds files in MNIST's own format. Nothing here touches a network.
"""

import os
import shutil
from pathlib import Path


def download(url: str, filename: str) -> None:
    """Copy the file that `url` ends with into ./data/`filename`, unless that file is there already.

    A folder with only the t10k files serves them as the training split too.
    Raises FileNotFoundError where the folder has no such file, and KeyError where AUTOGRADER_DATA is not set.
    """
    target = Path("data") / filename
    if target.exists():
        return
    folder = Path(os.environ["AUTOGRADER_DATA"])
    wanted = url.rsplit("/", 1)[-1]
    source = folder / wanted
    if not source.is_file() and wanted.startswith("train-"):
        source = folder / wanted.replace("train-", "t10k-", 1)
    if not source.is_file():
        raise FileNotFoundError(f"there is no {wanted} when grading; the data folder has MNIST's four files only")
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, target)
