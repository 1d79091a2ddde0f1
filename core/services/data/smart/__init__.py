"""The smart mode: a language model writes labeled examples from rows, and varies existing examples.

before      propose patterns, estimate, preview      runs        start, watch, keep, retry
again       failed rows of a finished run            variations  of examples of a dataset
row_store   the rows of a task                       writer      one row -> examples of a model
model_choice  which models can write

State of a `convert` draft in this mode: `mode` = "smart", `smart` = the recipe, `source_id`, name, description,
hold_out. The work itself is done by `worker/handlers/{smart,smart_again,variations}.py`.
"""

from core.data.conversion.smart.recipe import SmartRecipe
from core.services.data.smart.again import ask_again, asked_again
from core.services.data.smart.before import estimate, preview, propose
from core.services.data.smart.model_choice import (
    WritingModel,
    default_connection,
    default_model,
    model_title,
    writing_models,
)
from core.services.data.smart.records import (
    CLEAN,
    TO_CHECK,
    GeneratedExample,
    Proposal,
    RowResult,
    SmartEstimate,
    SmartPreview,
    SmartProgress,
    SmartRowRecord,
)
from core.services.data.smart.runs import check_start, keep, progress, retry_failed, rows, set_budget, start
from core.services.data.smart.variations import vary
