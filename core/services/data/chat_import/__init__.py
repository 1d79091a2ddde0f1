"""Chat logs become datasets: uploading, choosing, reviewing and starting the import (run by worker/handlers)."""

from __future__ import annotations

from core.data.chat_logs import DIRECTIONS, NOTES, REASONS, Direction, ReadOptions
from core.data.chat_logs.shaping import ChatRecipe
from core.services.data.chat_import.reading import ChatSummary, Speaker, sample, summary
from core.services.data.chat_import.review_list import choices, page as review, plan
from core.services.data.chat_import.starting import (
    KIND,
    LEFT_OUT,
    begin,
    formats,
    left_out,
    sample_source,
    start,
    start_with,
)
from core.services.data.chat_import.stored import (
    get,
    hints,
    ingest,
    ingest_folder,
    kind_of_upload,
    of_upload,
    set_format,
)
