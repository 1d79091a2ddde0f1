"""The registry of fine-tuned models: registered once per job, listed, named, archived, deleted, downloaded."""

from __future__ import annotations

from core.services.training.models.listing import LISTING, look_up, newest
from core.services.training.models.managing import (
    archive,
    archive_lines,
    delete,
    dependents,
    rename,
    restore,
    restore_lines,
    set_notes,
)
from core.services.training.models.reader import (
    base_and_method,
    get_model,
    list_models,
    read_hosted,
    trained_version,
    versions,
)
from core.services.training.models.records import EXACT, MergedFiles, ModelDownload, ModelLine, ModelRecord, ModelScore
from core.services.training.models.registering import file_facts, model_id_of, register, set_answering
from core.services.training.models.scores import scores, scores_of
from core.services.training.models.tags import LONGEST_TAG, MOST_TAGS, add_tags, all_tags, remove_tags, set_tags
