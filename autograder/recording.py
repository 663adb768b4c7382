"""Record what the reference, its readings and its misconceptions show to every grader.

Recording is a compile step: graders are collected with pytest, sliced out of their files and
run, in the same sandbox as students' code, on every variant. What comes out is a folder of
expectations (see manifest.py) and the kill matrix: which variant fails which grader.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from autograder import __version__, numerics
from autograder.comparison import NOT_COMPARED, compare
from autograder.datasets import check_data_folder, write_digits
from autograder.diagnosis import explain_ending, explain_failure
from autograder.errors import UserError
from autograder.feedback import Visibility
from autograder.grading import cores, make_job
from autograder.homework import Homework, read_text
from autograder.impact import Span, enters, rewritten
from autograder.imports import grader_imports
from autograder.manifest import (
    DATA,
    FORMAT,
    Grader,
    GraderExpectations,
    Manifest,
    Versions,
    grader_id,
    write_expectations,
)
from autograder.observation import Array, Entry, Header, Observation
from autograder.pytest_plugin import Declared, collect_graders
from autograder.questions import part_of
from autograder.randomness import derive_seed
from autograder.sandbox.protocol import PRELOADABLE, Source
from autograder.sandbox.runner import Sandbox
from autograder.slicing import Chunk, Program, SourceError, slice_function
from autograder.variants import REFERENCE, Variant, load_variants

# Runs of the reference under as many seeds make a band; its Student-t quantile is then about 7.
BAND_SEEDS = 20
STUDENT_SEED = 20_240_229
SAMPLE_SEED = 3

Progress = Callable[[str, int, int], None]
Texts = Mapping[str, str]


@dataclass(frozen=True)
class Recording:
    """Everything that was seen.

    Attributes:
        observations: by (grader id, variant name), as far as they were asked for.
        spreads: by grader id, the reference's further observations under other seeds, for bands.
    """

    manifest: Manifest
    variants: tuple[Variant, ...]
    observations: Mapping[tuple[str, str], Observation]
    spreads: Mapping[str, Sequence[Observation]]

    def expectations(self, grader: Grader) -> GraderExpectations:
        """What grading this grader needs: the behaviours that its number is named for, where they differ."""
        reference = _stacked(self.observations[grader.id, REFERENCE], self.spreads.get(grader.id, ()))
        kept = {REFERENCE: reference}
        for variant in self.variants:
            observation = self.observations.get((grader.id, variant.name))
            if observation is None or variant.kind == "reference" or not variant.concerns(grader.number):
                continue
            if compare(reference, observation):
                kept[variant.name] = _stacked(observation, ())
        return GraderExpectations(kept)


def record(
    homework: Homework,
    *,
    out: Path | None = None,
    practice: bool = False,
    data: Path | None = None,
    allow_unsafe: bool = False,
    jobs: int | None = None,
    progress: Progress = lambda *_: None,
) -> Recording:
    """Record a homework into its folder of expectations, which is replaced as a whole.

    Args:
        out: another folder than `build/<homework>/expectations`, or `.../practice`.
        practice: record what goes into the student kit, the visible graders with inputs of their own.
        data: a folder of real MNIST files to serve while grading; scikit-learn's digits by default.
        allow_unsafe: record even where nothing isolates what runs.

    Raises:
        UserError: where a grader cannot be collected or sliced, or fails on the reference.
    """
    target = out or (homework.practice if practice else homework.expectations)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".recording-") as scratch:
        fresh = Path(scratch) / "expectations"
        fresh.mkdir()
        prepare_data(fresh / DATA, data)
        recording = observe_variants(
            homework, fresh / DATA, practice=practice, allow_unsafe=allow_unsafe, jobs=jobs, progress=progress
        )
        expectations = {grader.id: recording.expectations(grader) for grader in recording.manifest.graders}
        write_expectations(fresh, recording.manifest, expectations)
        if target.exists():
            target.rename(Path(scratch) / "old")
        fresh.chmod(0o700)  # these are the answers
        fresh.rename(target)
    return recording


def prepare_data(folder: Path, given: Path | None) -> None:
    """Put the images that graders are served into `folder`."""
    if given is None:
        write_digits(folder)
        return
    check_data_folder(given)
    folder.mkdir()
    for path in sorted(given.glob("*-ubyte.gz")):
        shutil.copyfile(path, folder / path.name)


def observe_variants(
    homework: Homework,
    data: Path,
    *,
    practice: bool = False,
    jobs: int | None = None,
    student_seed: int = STUDENT_SEED,
    band_seeds: int = BAND_SEEDS,
    others: int = 0,
    allow_unsafe: bool = True,
    progress: Progress = lambda *_: None,
) -> Recording:
    """Run every grader on the reference, and on the variants that name its number.

    A variant is not run on a grader that neither calls nor asks for anything that it changes (see
    impact.py): the reference's observation is then its own.

    Args:
        practice: run the visible graders alone, with the student kit's inputs.
        student_seed: seeds the generators that the variants' own code draws from.
        band_seeds: how many seeds the reference is run under where a grader observes a band.
        others: run the graders that a variant does not name as well: 1 runs all of them, for the whole kill
            matrix; n runs each n-th, as `sampled` has it, for misconceptions, and all for readings; 0 runs none.
        allow_unsafe: run even where nothing isolates what runs.

    Raises:
        UserError: where nothing isolates it and this is not allowed, or a grader fails on the reference.
    """
    graders = declared_graders(homework, practice=practice)
    variants = load_variants(homework)
    manifest = Manifest(
        format=FORMAT,
        homework=homework.name,
        title=homework.declaration.title,
        points=homework.declaration.points,
        template_floor=homework.declaration.template_floor,
        parts=homework.declaration.parts,
        files=homework.declaration.files,
        given={
            module: tuple(Source(name, text) for name, text in sources)
            for module, sources in homework.given_sources().items()
        },
        limits=homework.declaration.limits,
        graders=graders,
        variants=tuple(variant for variant, _ in variants),
        student_seed=student_seed,
        versions=Versions(harness=__version__, python=platform.python_version(), torch="", numpy=np.__version__),
    )
    with Sandbox() as sandbox:
        if sandbox.level == 0 and not allow_unsafe:
            raise UserError(
                "nothing isolates what would be run here (level 0)",
                where="this machine",
                remedy="`autograder doctor` tells why; --allow-unsafe records all the same.",
            )
        recorder = _Recorder(homework, manifest, variants, data, sandbox, jobs or cores(), progress)
        return recorder.run(band_seeds, others)


class _Recorder:
    def __init__(
        self,
        homework: Homework,
        manifest: Manifest,
        variants: Sequence[tuple[Variant, Texts]],
        data: Path,
        sandbox: Sandbox,
        jobs: int,
        progress: Progress,
    ) -> None:
        self.homework = homework
        self.manifest = manifest
        self.variants = variants
        self.data = data
        self.sandbox = sandbox
        self.jobs = jobs
        self.progress = progress
        self.observations: dict[tuple[str, str], Observation] = {}
        self.programs: dict[tuple[str, str], Program] = {}
        self.spans: dict[tuple[str, str], list[Span] | None] = {}

    def run(self, band_seeds: int, others: int) -> Recording:
        (_, reference), *variants = self.variants
        graders = self.manifest.graders
        own = {name for grader in self.manifest.graders for name in grader_imports(grader.source.text)}
        self.sandbox.preload(PRELOADABLE | own)
        observations = self._run_all("reference", [(grader, reference, 0) for grader in graders])
        for grader, observation in zip(graders, observations, strict=True):
            self._check_reference(grader, observation)
            self.observations[grader.id, REFERENCE] = observation
        spreads = self._spreads([grader for grader in graders if _has_band(self._reference(grader))], band_seeds)
        tasks = []
        for variant, texts in variants:
            share = min(others, 1) if variant.kind == "reading" else others
            for grader in graders:
                if variant.concerns(grader.number) or sampled(grader.id, variant.name, share):
                    self.observations[grader.id, variant.name] = self._reference(grader)
                    if self._sees(grader, texts):
                        tasks.append((variant, grader, texts))
        seen = self._run_all("variants", [(grader, texts, 0) for _, grader, texts in tasks])
        for (variant, grader, _), observation in zip(tasks, seen, strict=True):
            self.observations[grader.id, variant.name] = observation
        return Recording(
            manifest=self._finished_manifest(),
            variants=tuple(variant for variant, _ in self.variants),
            observations=self.observations,
            spreads=spreads,
        )

    def _reference(self, grader: Grader) -> Observation:
        return self.observations[grader.id, REFERENCE]

    def _spreads(self, graders: Sequence[Grader], seeds: int) -> dict[str, list[Observation]]:
        texts = self.variants[0][1]
        tasks = [(grader, texts, seed) for grader in graders for seed in range(1, seeds)]
        spreads: dict[str, list[Observation]] = {grader.id: [] for grader in graders}
        for (grader, _, _), observation in zip(tasks, self._run_all("bands", tasks), strict=True):
            self._check_reference(grader, observation)
            spreads[grader.id].append(observation)
        return spreads

    def _finished_manifest(self) -> Manifest:
        """The manifest with what only a run could tell: imports, times, versions."""
        graders = []
        for grader in self.manifest.graders:
            seen = self._reference(grader)
            graders.append(
                msgspec.structs.replace(
                    grader,
                    preload=tuple(sorted({*seen.header.imported, *grader_imports(grader.source.text)})),
                    bands=_has_band(seen),
                    reference_seconds=round(seen.header.seconds, 3),
                )
            )
        torch = self._reference(graders[0]).header.torch
        versions = msgspec.structs.replace(self.manifest.versions, torch=torch)
        return msgspec.structs.replace(
            self.manifest, graders=tuple(graders), versions=versions, numerics=numerics.compute(self.sandbox)
        )

    def _run_all(self, stage: str, tasks: Sequence[tuple[Grader, Texts, int]]) -> list[Observation]:
        done = 0

        def run(task: tuple[Grader, Texts, int]) -> Observation:
            nonlocal done
            observation = self._observe(*task)
            done += 1
            self.progress(stage, done, len(tasks))
            return observation

        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(run, tasks))

    def _observe(self, grader: Grader, texts: Texts, seed: int) -> Observation:
        sources = {file.module: (Source(file.path, texts[file.path]),) for file in self.homework.declaration.files}
        student_seed = self.manifest.student_seed if seed == 0 else derive_seed(self.manifest.student_seed, str(seed))
        trace = seed == 0 and texts is self.variants[0][1]
        job = make_job(self.manifest, grader, sources, self.data, student_seed=student_seed, trace=trace)
        outcome = self.sandbox.run(job, grader.limits.child(), grader.limits.reply())
        if outcome.observation is not None:
            return outcome.observation
        feedback = explain_ending(outcome, grader)
        variant = next(variant.name for variant, own in self.variants if own is texts)
        raise UserError(
            f"no observation of {variant!r}: {feedback.headline} {outcome.output[-500:]}".rstrip(),
            where=f"{self.homework.graders}: {grader.id}",
            remedy="A variant must end by itself: recording needs its observation.",
        )

    def _check_reference(self, grader: Grader, observation: Observation) -> None:
        where = f"{self.homework.graders}: {grader.id}"
        failure = observation.failure
        if failure is not None:
            feedback = explain_failure(failure, grader)
            raise UserError(
                f"this grader fails on the reference: {feedback.headline} {failure.type}: {failure.message} "
                f"{feedback.where} (grader: {failure.grader_line})",
                where=where,
            )
        compared = [entry for entry in observation.entries if entry.kind not in NOT_COMPARED]
        if not compared:
            raise UserError("this grader observes nothing that is compared, so everyone passes it", where=where)
        for entry in compared:
            problem = _incomparable(observation, entry)
            if problem:
                raise UserError(f"{entry.name!r} of the reference {problem}", where=where)

    def _sees(self, grader: Grader, texts: Texts) -> bool:
        """Whether a variant changes anything that this grader ran, or asked for, on the reference."""
        seen = self._reference(grader).header
        reference = self.variants[0][1]
        for file in self.homework.declaration.files:
            before, after = reference[file.path], texts[file.path]
            if before == after:
                continue
            spans = self._rewritten(before, after)
            if spans is not None:
                if enters(seen.called.get(file.path, ()), spans):
                    return True
                continue
            asked = seen.asked.get(file.module, ())
            if self._digest(file.path, before, asked) != self._digest(file.path, after, asked):
                return True
        return False

    def _rewritten(self, before: str, after: str) -> list[Span] | None:
        if (before, after) not in self.spans:
            self.spans[before, after] = rewritten(before, after)
        return self.spans[before, after]

    def _digest(self, path: str, text: str, names: Iterable[str]) -> str:
        key = (path, text)
        if key not in self.programs:
            self.programs[key] = Program.parse([Chunk(path, text)])
        return self.programs[key].slice(names).digest()


def sampled(grader: str, variant: str, every: int) -> bool:
    """Whether a grader and a variant are among each `every`-th pair, the same ones each time; with 0 none is."""
    return every > 0 and derive_seed(SAMPLE_SEED, f"{grader} {variant}") % every == 0


def declared_graders(homework: Homework, *, practice: bool = False) -> tuple[Grader, ...]:
    """A homework's graders with their slices and seeds, part by part, twins after their visible halves.

    For practice they are the visible ones, with other seeds.
    """
    declaration = homework.declaration
    programs: dict[Path, Program] = {}
    graders = []
    for declared in collect_graders(homework):
        if declared.path not in programs:
            programs[declared.path] = Program.parse([Chunk(declared.path.name, read_text(declared.path))])
        try:
            source = slice_function(programs[declared.path], declared.function).source()
        except SourceError as error:
            raise UserError(f"{error}; a grader is a function of its file", where=str(declared.path)) from error
        seeds = declaration.seeds
        if practice:
            if declared.visibility == "visible":
                graders.append(_grader(homework, declared, source, seeds.practice))
            continue
        hidden = declared.visibility != "visible"
        graders.append(_grader(homework, declared, source, seeds.hidden if hidden else seeds.visible, hidden=hidden))
        if declared.twin:
            graders.append(_grader(homework, declared, source, seeds.hidden, hidden=True, twin=True))
    ids = [grader.id for grader in graders]
    for grader in graders:
        if ids.count(grader.id) > 1:
            raise UserError("two graders have one id", where=f"{homework.graders}: {grader.id}")
        if not homework.part_title(grader.number):
            raise UserError(
                f"number {grader.number} belongs to no part",
                where=f"{homework.graders}: {grader.id}",
                remedy=f"Parts in homework.toml: {', '.join(declaration.parts)}.",
            )
    order = list(declaration.parts)
    return tuple(sorted(graders, key=lambda grader: order.index(part_of(grader.number, declaration.parts)[0])))


def _grader(
    homework: Homework, declared: Declared, source: str, seed: int, *, hidden: bool = False, twin: bool = False
) -> Grader:
    declaration = homework.declaration
    return Grader(
        id=grader_id(declared.path.name, declared.function, hidden=twin),
        number=f"{declared.number}.hidden" if twin else declared.number,
        title=declared.title,
        weight=declared.twin if twin else declared.weight,
        visibility=declaration.hidden_visibility if twin else msgspec.convert(declared.visibility, Visibility),
        hidden=hidden,
        seed=derive_seed(seed, declared.function),
        limits=declaration.limits.for_grader(declared.number, declared.seconds),
        function=declared.function,
        source=Source(declared.path.name, source),
        arguments=declared.arguments,
        modules=tuple(file.module for file in declaration.files if file.module in declared.arguments),
        tags=declared.tags,
        hide_errors=declared.hide_errors,
    )


def _has_band(observation: Observation) -> bool:
    return any(entry.kind == "band" for entry in observation.entries)


def _incomparable(observation: Observation, entry: Entry) -> str:
    """Why nothing can be compared with this entry of the reference, or ""."""
    if entry.opaque:
        return f"is {entry.opaque}, and only its type could be compared; observe what it holds"
    if entry.points and len(np.atleast_1d(observation.value(entry))) != len(entry.points):
        return f"has {observation.value(entry).shape} values for {len(entry.points)} points: one row each"
    if entry.kind in ("samples", "band"):
        value = observation.value(entry) if entry.array else np.zeros(0)
        if entry.kind == "samples" and (not value.ndim or not value.size):
            return "holds no draws"
        if not np.isfinite(value).all():
            return "is not finite"
    return ""


def _stacked(first: Observation, rest: Sequence[Observation]) -> Observation:
    """The first observation with each band's array holding one row per run; without pictures."""
    arrays: dict[str, Array] = {}
    entries = tuple(entry for entry in first.entries if entry.kind != "picture")
    for entry in entries:
        if not entry.array:
            continue
        value = first.value(entry)
        if entry.kind == "band":
            rows = [value]
            for other in rest:
                same = other.entry(entry.name)
                if same is not None and same.array and other.value(same).shape == value.shape:
                    rows.append(other.value(same))
            value = np.stack(rows)
        arrays[entry.array] = value
    return Observation(Header(entries=entries, failure=first.failure), arrays)
