"""What can be wrong on the way from rows and chats to examples, and with examples that a model wrote."""

from __future__ import annotations

from functools import partial

from core.data.issues.issue import ISSUES, Issue

_row = partial(Issue, subject="From rows to examples", scope="row")
_written = partial(Issue, subject="Examples written by a model", scope="row")

# fmt: off
ISSUES.add(_row("shape_unknown", "Unknown chat shape", "error",
    "The table is not in a known chat shape; which column is the input and which the output is not chosen yet.",
    "Convert it: choose a template, an input column and a target column.", scope="file"))
ISSUES.add(_row("columns_unused", "Unused columns", "info",
    "Columns that the known shape does not use were left out.", "Convert the table to use them.", scope="file"))
ISSUES.add(_row("chat_left_out", "Messages left out", "info",
    "Messages of a chat log are not part of any example, for the given reason.",
    "Look at what was left out, and change roles or filters if it should be included."))
ISSUES.add(_row("chat_redacted", "Text redacted", "info",
    "Personal data and secrets of a chat log were replaced by placeholders.",
    "Read some examples to see that they still make sense."))
ISSUES.add(_row("column_missing", "Missing column", "error",
    "The row does not have this column.", "Add it, or choose another column."))
ISSUES.add(_row("cell_empty", "Empty cell", "error",
    "A cell that the template needs is empty.", "Fill it in, or choose another way to handle empty cells."))
ISSUES.add(_written("smart_failed", "No usable answer", "error",
    "The model returned no usable answer for this row.", "Read the reason and ask again."))
ISSUES.add(_written("smart_empty", "Nothing written", "warning",
    "Nothing was written from the row: it is empty or contains no answer.",
    "Choose more columns, or leave the row out."))
ISSUES.add(_written("smart_duplicate", "Repeated row", "info",
    "The row, or what was written from it, repeats an earlier one."))
ISSUES.add(_written("ungrounded_number", "Number not in the row", "warning",
    "The answer contains a number that does not appear in its row.",
    "Compare it with the row; correct or drop the example."))
ISSUES.add(_written("ungrounded_name", "Name not in the row", "warning",
    "The answer contains a name that does not appear in its row.",
    "Compare it with the row; correct or drop the example."))
ISSUES.add(_written("answer_cut", "Answer cut off", "warning",
    "The model reached the maximum answer length; the text may end early.",
    "Read its end; raise the maximum and write it again."))
