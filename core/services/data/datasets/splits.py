"""A preview of a split with the size of the parts, and how a version was split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from core.data.editing import Split
from core.data.versions import files
from core.data.versions.rows import Rows
from core.data.versions.unsplit import NEAR_UP_TO
from core.errors import StudioError
from core.services.data.datasets.records import VersionRecord, get_dataset, get_version, version_file

_BARS = 20
_OTHERS = "(all others)"
_STEPS_BACK = 100  # versions that are read to find the one that was split
NOTHING_HELD_OUT = "nothing: no validation loss is measured"


@dataclass(frozen=True, slots=True)
class SplitBar:
    """How many examples of one answer, or one group, would be in each part."""

    label: str
    train: int
    validation: int


@dataclass(frozen=True, slots=True)
class SplitPreview:
    """The result of a split, in examples; the largest 20 answers or groups as bars, and a note."""

    train: int
    validation: int
    bars: tuple[SplitBar, ...]
    note: str


def split_preview(dataset_id: str, operation: Split) -> SplitPreview:
    """The result of a split of the newest version, without applying it.

    Raises:
        DataError: nothing can be held out in this way.
    """
    rows = Rows(version_file(get_dataset(dataset_id).version.id, files.EXAMPLES))
    choice = operation.choice(rows)
    held_out = choice.held_out
    by_group = operation.kind == "group" and operation.by != "near"
    train: Counter[str] = Counter()
    validation: Counter[str] = Counter()
    for entry in rows:
        name = _named(operation.key(entry) if by_group else entry.label)
        (validation if held_out[entry.position] else train)[name] += 1
    sizes = train + validation
    shown = [name for name, _ in sizes.most_common(_BARS if len(sizes) <= _BARS else _BARS - 1)]
    bars = [SplitBar(name, train[name], validation[name]) for name in shown]
    if rest := sizes.keys() - set(shown):
        bars.append(SplitBar(_OTHERS, sum(train[name] for name in rest), sum(validation[name] for name in rest)))
    out = int(held_out.sum())
    note = _note(operation, out, rows.total, len(sizes))
    if not choice.complete:
        note += " Some groups of near duplicates are so large that not every pair in them was compared."
    return SplitPreview(rows.total - out, out, tuple(bars), note)


def _note(operation: Split, held_out: int, total: int, groups: int) -> str:
    target = round(operation.share * total)
    if not operation.share:
        return "Everything goes into the training part."
    if held_out != target:
        together = {"group": "groups", "near": "near duplicates"}.get(operation.kind, "equal examples")
        why = f"{together} stay together"
        return f"{held_out:,} instead of {target:,} are held out, because {why}."
    if operation.kind == "stratified" and groups * 2 > total:
        return "Most answers occur only once: there is no balance to keep, so the split is random."
    return f"{'Near duplicates' if operation.kind == 'near' else 'Equal examples'} stay together."


def _named(text: str) -> str:
    line = " ".join(text.replace("\0", " ").split())
    return (line if len(line) <= 60 else line[:60] + "…") or "(none)"


def held_out_text(version: VersionRecord) -> str:
    """What of a version is held out, and by which rule: `58 of 114 examples (51%), as given with the data`."""
    count, of = version.validation_examples, version.train_examples + version.validation_examples
    if not count:
        return NOTHING_HELD_OUT
    tested = f"; {version.test_examples:,} more for testing" if version.test_examples else ""
    return f"{count:,} of {of:,} examples ({100 * count / of:.0f}%), {_rule(version)}{tested}"


def _rule(version: VersionRecord) -> str:
    """The rule of the newest split among a version and those that it was made from."""
    for _ in range(_STEPS_BACK):
        change = version.manifest.change
        if change and change.operation == Split.id:
            return Split(**change.parameters).rule
        before = _before(version)
        if before is None:
            break
        version = before
    split = version.manifest.split
    together = "near duplicates together" if version.examples <= NEAR_UP_TO else "at random"
    drawn = f"{together} (seed {split.seed})" if split.held_out else ""
    given = "as given with the data" if split.own_validation or not split.held_out else ""
    return " and ".join(part for part in (given, drawn) if part)


def _before(version: VersionRecord) -> VersionRecord | None:
    """The version of the same dataset that this one was made from."""
    try:
        parents = [get_version(parent) for parent in version.parents[:1]]
    except StudioError:  # it was deleted
        return None
    return next((parent for parent in parents if parent.dataset_id == version.dataset_id), None)
