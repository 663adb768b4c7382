"""Recording the tiny homework: what is kept of it, and what an author is told when it cannot be recorded."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_up import a_grader, failed, seen, together
from tiny_homework import TinyHomework

from autograder.comparison import compare
from autograder.datasets import write_digits
from autograder.errors import UserError
from autograder.manifest import read_expectations, read_manifest
from autograder.observation import Observation
from autograder.recording import BAND_SEEDS, Recording, declared_graders, observe_variants, prepare_data, record
from autograder.sandbox.runner import Sandbox
from autograder.variants import Variant

pytestmark = pytest.mark.usefixtures("lent_sandbox")


def observed(tiny: TinyHomework, **how: object) -> Recording:
    """The homework's observations with as few runs as possible; no data set is served."""
    return observe_variants(tiny.load(), tiny.project, **{"band_seeds": 2, **how})  # type: ignore[arg-type]


def text_of(observation: Observation, name: str) -> str:
    entry = observation.entry(name)
    assert entry is not None
    return entry.text


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_each_grader_keeps_the_behaviours_that_concern_it(recorded_tiny: TinyHomework) -> None:
    folder = recorded_tiny.load().expectations
    kept = {
        grader.number: list(read_expectations(folder, grader).observations) for grader in read_manifest(folder).graders
    }
    energy = ["reference", "summed over the features", "factor one half forgotten", "mean over the batch"]
    spread = ["reference", "variance used as standard deviation"]
    assert kept == {"1.a": energy, "1.a.hidden": energy, "1.b": spread, "1.c": spread}


def test_what_is_recorded_of_a_grader(recorded_tiny: TinyHomework) -> None:
    folder = recorded_tiny.load().expectations
    graders = {grader.number: grader for grader in read_manifest(folder).graders}
    energy = read_expectations(folder, graders["1.a"])
    assert [entry.name for entry in energy.reference.entries] == ["energy"]  # without the picture
    (value,) = energy.reference.arrays.values()
    assert (value.shape, value.dtype) == ((5,), np.float32)
    spread = read_expectations(folder, graders["1.c"])
    entry = spread.reference.entry("spread")
    assert entry is not None
    rows = spread.reference.value(entry)
    assert rows.shape == (BAND_SEEDS,)
    assert len(set(rows.tolist())) == BAND_SEEDS
    assert 1.5 < rows.mean() < 2.5
    wrong = spread.observations["variance used as standard deviation"]
    assert wrong.value(entry).shape == (1,)
    assert text_of(spread.reference, "count") == "400"


def test_the_twin_has_the_same_source_and_other_inputs(recorded_tiny: TinyHomework) -> None:
    folder = recorded_tiny.load().expectations
    visible, twin = read_manifest(folder).graders[:2]
    assert (twin.number, twin.id) == ("1.a.hidden", f"{visible.id}.hidden")
    assert (twin.weight, twin.hidden, twin.visibility) == (2.0, True, "after_published")
    assert twin.source == visible.source
    assert twin.seed != visible.seed
    values = [read_expectations(folder, grader).reference.arrays["1"] for grader in (visible, twin)]
    assert not np.allclose(*values)


def test_what_the_manifest_tells_of_a_run(recorded_tiny: TinyHomework) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    assert [grader.bands for grader in manifest.graders] == [False, False, False, True]
    assert [grader.limits.seconds for grader in manifest.graders] == [5.0, 5.0, 4.0, 5.0]
    assert all(grader.reference_seconds < 5 for grader in manifest.graders)
    assert manifest.graders[0].arguments == ("tiny_energy", "tiny_utils", "rng", "observe")
    assert manifest.graders[0].modules == ("tiny_energy",)
    assert manifest.versions.torch
    assert manifest.versions.numpy == np.__version__
    assert manifest.given["tiny_utils"][0].filename == "tiny_utils.py"


def test_a_graders_slice_holds_what_it_needs_and_no_decorator(recorded_tiny: TinyHomework) -> None:
    source = read_manifest(recorded_tiny.load().expectations).graders[0].source
    assert source.filename == "test_tiny.py"
    assert "BATCH = 5" in source.text
    assert "def batch_of" in source.text
    assert "test_noise" not in source.text
    assert "@" not in source.text


def test_nothing_of_the_reference_or_a_patch_is_in_what_is_recorded(recorded_tiny: TinyHomework) -> None:
    files = [path for path in recorded_tiny.load().expectations.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        content = path.read_bytes()
        assert b"torch.randn(n)" not in content, path
        assert b"square().mean" not in content, path


def test_recording_again_gives_the_same_but_for_times(
    tiny: TinyHomework, recorded_tiny: TinyHomework, tmp_path: Path, digits: Path
) -> None:
    record(tiny.load(), out=tmp_path / "again", data=digits)
    first, again = recorded_tiny.load().expectations, tmp_path / "again"
    names = [path.relative_to(again) for path in sorted(again.rglob("*")) if path.is_file()]
    for name in names:
        if name.name != "manifest.json":
            assert (first / name).read_bytes() == (again / name).read_bytes(), name
    manifests = [read_manifest(folder) for folder in (first, again)]
    graders = [
        [msgspec.structs.replace(grader, reference_seconds=0.0) for grader in manifest.graders]
        for manifest in manifests
    ]
    assert graders[0] == graders[1]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits") / "data"
    write_digits(folder)
    return folder


def test_what_was_recorded_before_is_replaced_as_a_whole(tiny: TinyHomework, digits: Path) -> None:
    folder = tiny.load().expectations
    (folder / "observations").mkdir(parents=True)
    (folder / "observations" / "of_another_time.obs").write_text("x")
    record(tiny.load(), data=digits)
    assert not (folder / "observations" / "of_another_time.obs").exists()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700  # these are the answers
    assert [path.name for path in folder.parent.iterdir()] == ["expectations"]


def test_what_was_recorded_before_stays_when_recording_fails(recorded_tiny: TinyHomework, digits: Path) -> None:
    folder = recorded_tiny.load().expectations
    before = (folder / "manifest.json").read_bytes()
    recorded_tiny.change(recorded_tiny.solution, "torch.randn(n)", "torch.randn(m)")
    recorded_tiny.variants.unlink()
    with pytest.raises(UserError, match="fails on the reference"):
        record(recorded_tiny.load(), data=digits)
    assert (folder / "manifest.json").read_bytes() == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["expectations", "practice"]


# --- data -----------------------------------------------------------------------------------------------------------


def test_data_are_scikit_learns_digits_or_those_given(tmp_path: Path, digits: Path) -> None:
    prepare_data(tmp_path / "own", None)
    prepare_data(tmp_path / "given", digits)
    for name in ("own", "given"):
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == sorted(
            path.name for path in digits.iterdir()
        )
        assert all((tmp_path / name / path.name).read_bytes() == path.read_bytes() for path in digits.iterdir())


def test_data_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such data file"):
        prepare_data(tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_grader_is_served_the_data(tiny: TinyHomework, digits: Path) -> None:
    tiny.change(
        tiny.graders,
        "    observe.samples(draws=tiny_energy.noise(4000, 4.0))\n",
        "    import os\n    observe.exact(files=sorted(os.listdir(os.environ['AUTOGRADER_DATA'])))\n"
        "    observe.samples(draws=tiny_energy.noise(4000, 4.0))\n",
    )
    recording = observe_variants(tiny.load(), digits, band_seeds=2)
    files = text_of(recording.observations["test_tiny.test_noise", "reference"], "files")
    assert "t10k-images-idx3-ubyte.gz" in files


# --- runs -----------------------------------------------------------------------------------------------------------


def test_only_what_a_variant_changes_is_run(
    tiny: TinyHomework, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, int]] = []
    run = sandbox.run

    def counting(job, *rest):  # type: ignore[no-untyped-def]
        ran.append((job.id, job.student_seed))
        return run(job, *rest)

    class Counted:
        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *_: object) -> None: ...

        level = sandbox.level
        preload = staticmethod(sandbox.preload)
        run = staticmethod(counting)

    monkeypatch.setattr("autograder.recording.Sandbox", Counted)
    recording = observed(tiny, others=1, band_seeds=3)
    # four graders on the reference, two more seeds of the band, three variants on two graders, one on two
    assert len(ran) == 4 + 2 + 3 * 2 + 2 + 1  # and the standard computations
    assert len(recording.observations) == 4 * 5
    seeds = [seed for grader, seed in ran if grader == "test_tiny.test_spread"]
    assert len(set(seeds)) == 3
    untouched = recording.observations["test_tiny.test_noise", "mean over the batch"]
    assert untouched is recording.observations["test_tiny.test_noise", "reference"]


def test_what_is_not_run_would_have_shown_the_same(tiny: TinyHomework, monkeypatch: pytest.MonkeyPatch) -> None:
    spared = observed(tiny, others=1)
    monkeypatch.setattr("autograder.recording._Recorder._sees", lambda *_: True)
    complete = observed(tiny, others=1)
    assert spared.observations.keys() == complete.observations.keys()
    for key, observation in complete.observations.items():
        other = spared.observations[key]
        assert other.entries == observation.entries, key
        assert all(np.array_equal(other.arrays[name], array) for name, array in observation.arrays.items()), key


def test_a_variant_that_changes_more_than_bodies_is_run_where_its_names_are_asked_for(tiny: TinyHomework) -> None:
    tiny.variants.write_text(
        tiny.variants.read_text()
        + """
[[misconception]]
name = "another argument"
file = "tiny_energy.py"
old = "def noise(n: int, sigma_square: float)"
new = "def noise(n: int, mean: float, sigma_square: float)"
fails = ["1.b", "1.c"]
says = "The arguments are those of the template."
"""
    )
    observations = observed(tiny, others=1).observations
    failure = observations["test_tiny.test_noise", "another argument"].failure
    assert failure is not None
    assert failure.type == "TypeError"
    assert (
        observations["test_tiny.test_energy", "another argument"] is observations["test_tiny.test_energy", "reference"]
    )


def test_progress_is_told(tiny: TinyHomework) -> None:
    told: list[tuple[str, int, int]] = []
    observed(tiny, progress=lambda *stage: told.append(stage))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["reference", "bands", "variants"]
    assert ("reference", 4, 4) in told


def test_the_students_randomness_is_the_seeds(tiny: TinyHomework) -> None:
    def draws(seed: int) -> list[float]:
        recording = observed(tiny, student_seed=seed)
        observation = recording.observations["test_tiny.test_noise", "reference"]
        return next(iter(observation.arrays.values()))[:3].tolist()  # type: ignore[no-any-return]

    assert draws(1) == draws(1) != draws(2)


# --- what an author is told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("solution", "torch.randn(n)", "torch.randn(m)", r"test_noise: this grader fails on the reference: .*name 'm'"),
        (
            "solution",
            "def noise",
            "def nose",
            "this grader fails on the reference: tiny_energy.py does not define noise",
        ),
        ("solution", "def noise", "def noise(:\n\ndef f", "this grader fails on the reference"),
        ("solution", "torch.randn(n)", "exit()", r"fails on the reference: .*ended the program"),
        (
            "graders",
            "observe.samples(draws=",
            "observe.samples(draws=1 / 0 * ",
            r"fails on the reference.*\(grader: observe",
        ),
        ("graders", "observe.samples(draws=tiny_energy.noise(4000, 4.0))", "pass", "observes nothing that is compared"),
        ("graders", "count=len(draws)", "count=draws.numpy", "'count' of the reference is builtin_function_or_method"),
        ("graders", "noise(4000, 4.0)", "noise(4000, 4.0).sum()", "'draws' of the reference holds no draws"),
        ("graders", "noise(4000, 4.0)", "noise(4000, 4.0)[:0]", "'draws' of the reference holds no draws"),
        (
            "graders",
            "observe.exact(count=len(draws))",
            "observe(draws=draws, at=['x = 1', 'x = 2'])",
            r"'draws' of the reference has \(400,\) values for 2 points",
        ),
        ("graders", "noise(4000, 4.0)", "noise(4000, 4.0).log()", "'draws' of the reference is not finite"),
        ("graders", "spread=draws.std()", "spread=draws.log().std()", "'spread' of the reference is not finite"),
        ("graders", '@number("1.b")', '@number("2.b")', "number 2.b belongs to no part"),
        ("graders", "import pytest", "import pytest\nfrom autograder.probes.nowhere import x", "cannot be collected"),
        ("variants", 'new = "sigma_square"', "new = \"__import__('os')._exit(3) \"", r"'variance used .*exit status 3"),
    ],
)
def test_what_cannot_be_recorded(tiny: TinyHomework, file: str, old: str, new: str, message: str) -> None:
    if file != "variants":
        tiny.variants.unlink()
    tiny.change(getattr(tiny, file), old, new)
    with pytest.raises(UserError, match=message) as caught:
        observed(tiny)
    assert str(tiny.project) in caught.value.where


def test_a_reference_that_does_not_end(tiny: TinyHomework) -> None:
    tiny.variants.unlink()
    tiny.change(tiny.declaration, "seconds = 5", "seconds = 5\nwall_factor = 1.0")
    tiny.change(tiny.graders, "@pytest.mark.timeout(4)", "@pytest.mark.timeout(0.5)")
    tiny.change(tiny.graders, "observe.samples(", "import time; time.sleep(20); observe.samples(")
    with pytest.raises(
        UserError, match=r"no observation of 'reference': Stopped after 0 s of wall time|Stopped after"
    ) as caught:
        observed(tiny)
    assert caught.value.where.endswith("test_tiny.test_noise")
    assert caught.value.remedy


def test_a_grader_made_by_a_function(tiny: TinyHomework) -> None:
    tiny.graders.write_text(
        tiny.graders.read_text()
        + '''

def made():
    def test_made(tiny_energy, observe):
        """Made."""
    return number("1.d")(weight(1)(test_made))

test_made = made()
'''
    )
    with pytest.raises(UserError, match="a grader is a function of its file"):
        declared_graders(tiny.load())


def test_two_graders_of_one_id(tiny: TinyHomework) -> None:
    """Letters that are not safe in a file's name become one and the same."""
    text = tiny.graders.read_text().replace("def test_noise", "def test_é").replace("def test_spread", "def test_è")
    tiny.graders.write_text(text)
    with pytest.raises(UserError, match="two graders have one id") as caught:
        declared_graders(tiny.load())
    assert caught.value.where.endswith("test_tiny.test__")


# --- parts ----------------------------------------------------------------------------------------------------------


def test_graders_come_in_the_order_of_the_parts(tiny: TinyHomework) -> None:
    tiny.change(tiny.declaration, '"1" = "Energy and noise"', '"1.c" = "C"\n"1" = "Others"')
    assert [grader.number for grader in declared_graders(tiny.load())] == ["1.c", "1.a", "1.a.hidden", "1.b"]


def test_a_grader_that_is_hidden_by_itself_has_the_hidden_seed(tiny: TinyHomework) -> None:
    visible = declared_graders(tiny.load())
    tiny.change(tiny.graders, "@pytest.mark.timeout(4)", '@visibility("after_due_date")')
    hidden = declared_graders(tiny.load())
    assert (hidden[2].hidden, hidden[2].visibility) == (True, "after_due_date")
    assert hidden[2].seed != visible[2].seed


def test_expectations_keep_what_differs_and_concerns(recorded_tiny: TinyHomework) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    variants = (
        Variant("reference", "reference"),
        Variant("same", "misconception", ("4.a",)),
        Variant("other", "misconception", ("4.a",)),
        Variant("elsewhere", "misconception", ("4.b",)),
        Variant("raises", "reading", ("4.a.1",)),
        Variant("not run", "reading", ("4.a.1",)),
    )
    grader = a_grader("4.a.1")
    one = together(
        x=seen(np.ones(2)), band=seen(np.float64(1), "band"), look=seen(np.zeros((2, 2), np.uint8), "picture")
    )
    other = together(x=seen(np.zeros(2)), band=seen(np.float64(1), "band"))
    observations = {
        (grader.id, "reference"): one,
        (grader.id, "same"): one,
        (grader.id, "other"): other,
        (grader.id, "elsewhere"): other,
        (grader.id, "raises"): seen(failure=failed()),
    }
    spreads = {grader.id: [together(x=seen(np.ones(2)), band=seen(np.float64(value), "band")) for value in (2, 3)]}
    kept = Recording(manifest, variants, observations, spreads).expectations(grader)
    assert list(kept.observations) == ["reference", "other", "raises"]
    assert kept.reference.arrays["band"].tolist() == [1, 2, 3]
    assert "look" not in kept.reference.arrays
    assert kept.observations["other"].arrays["band"].tolist() == [1]
    assert compare(kept.observations["raises"], seen(failure=failed())) == ()


def test_a_run_of_the_band_that_differs_in_shape_is_left_out(recorded_tiny: TinyHomework) -> None:
    manifest = read_manifest(recorded_tiny.load().expectations)
    grader = a_grader()
    spreads = {grader.id: [seen(np.ones(3), "band"), seen("NoneType", "band"), seen(), seen(np.float64(5), "band")]}
    observations = {(grader.id, "reference"): seen(np.float64(1), "band")}
    recording = Recording(manifest, (Variant("reference", "reference"),), observations, spreads)
    assert recording.expectations(grader).reference.arrays["0"].tolist() == [1, 5]
