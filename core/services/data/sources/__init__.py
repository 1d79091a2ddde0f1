"""Uploads: stored as they arrived, with how each is read; and any local file, for the command line."""

from __future__ import annotations

from core.data.conversion.analysis import Analysis
from core.data.conversion.cells import cell_text
from core.data.formats import ReadingChoice, label_of as format_label, labels as format_labels
from core.services.data.sources.accounts import account
from core.services.data.sources.files import (
    FileReport,
    analyze_file,
    convert_command,
    inspect,
    no_examples,
    rows_of_file,
)
from core.services.data.sources.uploads import (
    SourcePreview,
    SourceRecord,
    analyze,
    blocks,
    choices,
    delete,
    detection,
    display_name,
    few,
    get,
    ingest,
    keep_analysis,
    local_path,
    newest,
    preview_rows,
    read,
    rows,
    set_detection,
    source_file,
    why_unusable,
)
