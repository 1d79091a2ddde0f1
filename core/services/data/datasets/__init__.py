"""Datasets: listed, read, created, written by hand, checked again, archived, deleted; the files here do it."""

from core.data.versions.reader import LEFT_OUT, Bin, ExampleRecord, Label, Page, Statistics
from core.services.data.datasets.by_hand import (
    begin_by_hand,
    gather,
    remove_written,
    rewrite_example,
    write_example,
    written,
)
from core.services.data.datasets.checks import recheck, validate
from core.services.data.datasets.listing import LISTING, choices, count, free_name, look_up, newest, records_of
from core.services.data.datasets.managing import archive, delete, dependents, rename, restore
from core.services.data.datasets.reading import (
    examples,
    examples_at,
    finding_counts,
    findings,
    findings_by_severity,
    iter_examples,
    list_datasets,
    provenance_at,
    rejects,
    statistics,
    versions,
)
from core.services.data.datasets.records import (
    DATASET_STATES,
    DatasetChoice,
    DatasetRecord,
    VersionRecord,
    get_dataset,
    get_version,
)
from core.services.data.datasets.splits import NOTHING_HELD_OUT, held_out_text
from core.services.data.datasets.writing import create_dataset, create_from_source, sweep
