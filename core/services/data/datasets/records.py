"""Datasets and their versions as frozen records, and the look-ups that every part of the service shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlmodel import col, select

from core.data.issues import codes
from core.data.quality import set_rules
from core.data.versions import reader
from core.data.versions.files import EXAMPLES
from core.data.versions.manifest import Manifest
from core.data.versions.rows import PROVENANCE
from core.errors import NotFound, StorageError
from core.messages import SPLITS, Split
from core.platform.db.tables import DatasetVersion, FineTuningDataset
from core.platform.db.uow import UnitOfWork
from core.platform.storage import get_storage
from core.text import CHARACTERS_PER_TOKEN, labeled_examples, plural

DATASET_STATES = {
    "validated": "Validated: ready for training",
    "failed": "Failed: errors found, need fixing",
    "not_validated": "Not validated: not checked yet",
}


class Sizes:
    """How many examples a version has, by split."""

    __slots__ = ()
    examples: int
    train_examples: int
    validation_examples: int

    @property
    def test_examples(self) -> int:
        """Examples that are neither trained nor validated on."""
        return self.examples - self.train_examples - self.validation_examples

    @property
    def parts(self) -> dict[Split, int]:
        """How many examples each split has, without empty ones."""
        counts = (self.train_examples, self.validation_examples, self.test_examples)
        return {split: count for split, count in zip(SPLITS, counts, strict=True) if count}


@dataclass(frozen=True, slots=True)
class VersionRecord(Sizes):
    """An immutable version. `manifest` records its source, recipe, split, counts and hashes."""

    id: str
    dataset_id: str
    number: int
    path: str
    examples: int
    train_examples: int
    validation_examples: int
    sha256: str
    size_bytes: int
    manifest: Manifest
    parents: tuple[str, ...]
    created_at: float

    @property
    def rows_read(self) -> int:
        """Rows of the file that the dataset was made from; 0 where there was none."""
        return 0 if self.manifest.origin == "chat_import" else self.manifest.counts.read or 0

    @property
    def rows_left_out(self) -> int:
        """Those of them that became no example, also after edits: what was never in the dataset."""
        return 0 if self.manifest.origin == "chat_import" else self.manifest.counts.rejected or 0

    @property
    def left_out_text(self) -> str:
        """`11 of 43 rows left out`, on every version; "" where everything became examples."""
        counts = self.manifest.counts
        noun = "message" if self.manifest.origin == "chat_import" else "row"
        return f"{counts.rejected:,} of {plural(counts.read, noun)} left out" if counts.rejected and counts.read else ""

    @property
    def size_text(self) -> str:
        """`114 labeled examples: 56 to train on, 58 held out`."""
        return labeled_examples(self.train_examples, self.validation_examples, self.test_examples)

    @property
    def format(self) -> str:
        """The format of the file it came from, such as `csv`; "" where there was none."""
        return self.manifest.source.format if self.manifest.source else ""


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """A dataset with its newest version. `state` is a key of DATASET_STATES."""

    id: str
    name: str
    description: str
    state: str
    origin: str
    version: VersionRecord
    created_at: float
    updated_at: float
    archived_at: float | None = None

    @property
    def examples(self) -> int:
        return self.version.examples


@dataclass(frozen=True, slots=True)
class DatasetChoice(Sizes):
    """A dataset where one of all is chosen: the size of its newest version, without the manifest."""

    id: str
    name: str
    state: str
    version_id: str
    number: int
    examples: int
    train_examples: int
    validation_examples: int


def set_codes() -> frozenset[str]:
    """The codes of errors about a set as a whole, which make a dataset unfit for training.

    `all_masked` was one of them in versions from before `set_all_masked`; as an error it never is about one example.
    """
    return codes("set") | {"all_masked"}


# ---- look-ups


AT_ONCE_BYTES: Final = 6_000_000  # of text: what a request changes or measures itself, in a few seconds


def is_small(version: VersionRecord, most_examples: int) -> bool:
    """Whether a request may work through a version itself: by its number of examples, and by the length of their text.

    Two thousand examples of 10 MB would keep a page waiting for hours.
    """
    return version.examples <= most_examples and _text_bytes(version.id, version.path) <= AT_ONCE_BYTES


@lru_cache(maxsize=1_000)  # versions never change
def _text_bytes(version_id: str, path: str) -> int:
    return CHARACTERS_PER_TOKEN * reader.estimated_tokens(version_file(version_id, EXAMPLES))


def live() -> Any:
    """The query for datasets that are not deleted."""
    return select(FineTuningDataset).where(col(FineTuningDataset.deleted_at).is_(None))


def find(uow: UnitOfWork, id_or_name: str) -> FineTuningDataset:
    """The row of a dataset by id or name, the newest of a name; NotFound names the existing ones."""
    id_or_name = id_or_name.encode("utf-8", "backslashreplace").decode()  # a terminal may pass lone surrogates
    row: FineTuningDataset | None = uow.session.exec(live().where(FineTuningDataset.id == id_or_name)).first()
    if row is None:
        by_name = live().where(FineTuningDataset.name == id_or_name)
        row = uow.session.exec(by_name.order_by(col(FineTuningDataset.created_at).desc())).first()
    if row is None:
        names = [dataset.name for dataset in uow.session.exec(live().limit(5))]
        known = f"Existing datasets: {', '.join(names)}." if names else "Upload or convert a file first."
        raise NotFound(f"There is no dataset {id_or_name!r}.", known)
    return row


def get_dataset(id_or_name: str) -> DatasetRecord:
    """A dataset by id, or by its name.

    Raises:
        NotFound: there is none; names the existing ones.
    """
    with UnitOfWork(write=False) as uow:
        dataset = find(uow, id_or_name)
        version = uow.session.get(DatasetVersion, dataset.current_version_id)
        assert version is not None
        return dataset_record(dataset, version)


def get_version(version_id: str) -> VersionRecord:
    """A version by its id, also of a dataset that was deleted."""
    with UnitOfWork(write=False) as uow:
        row = uow.session.get(DatasetVersion, version_id)
        if row is None:
            raise NotFound(f"There is no dataset version {version_id!r}.", "It was deleted with its dataset.")
        return version_record(row)


def first_version_id(version_id: str) -> str:
    """The version that the dataset of a version began with: the one that read its source."""
    return f"{get_version(version_id).dataset_id}-v1"


def version_file(version_id: str, name: str) -> Path:
    """A file of a version on this machine. Raises NotFound where its dataset was deleted."""
    of_this = select(FineTuningDataset.deleted_at).join(DatasetVersion).where(DatasetVersion.id == version_id)
    with UnitOfWork(write=False) as uow:
        if uow.session.exec(of_this).first() is not None:
            raise NotFound("The dataset and its examples were deleted.", "Choose another dataset.")
    return get_storage().local_path(f"{get_version(version_id).path}/{name}")


def provenance_file(version: VersionRecord) -> Path | None:
    """The file with the provenance of a version's examples, where it has one."""
    try:
        return version_file(version.id, PROVENANCE)
    except StorageError:
        return None


def version_record(row: DatasetVersion) -> VersionRecord:
    """The record of a row."""
    values = row.model_dump(exclude={"examples_sha256", "parents", "manifest"})
    return VersionRecord(
        **values, sha256=row.examples_sha256, parents=tuple(row.parents), manifest=Manifest.from_dict(row.manifest)
    )


_KEPT = {"id", "name", "description", "origin", "created_at", "updated_at", "archived_at"}


def dataset_record(dataset: FineTuningDataset, version: DatasetVersion) -> DatasetRecord:
    """The record of a row; a version checked by older rules counts as not validated."""
    current = version.manifest.get("rules") == set_rules.VERSION
    values = dataset.model_dump(include=_KEPT)
    state = dataset.state if current else "not_validated"
    return DatasetRecord(**values, state=state, version=version_record(version))
