"""What can be wrong with a file as a whole, and with its text."""

from __future__ import annotations

from functools import partial

from core.data.issues.issue import ISSUES, Issue
from core.settings import MAX_UPLOAD_BYTES
from core.text import size

_file = partial(Issue, subject="The file", scope="file")
_text = partial(Issue, subject="Text", scope="row")

# fmt: off
ISSUES.add(_file("data", "Data error", "error",
    "Something about the data is wrong.", unreadable=True))
ISSUES.add(_file("file_missing", "No such file", "error",
    "The file does not exist or cannot be opened.", "Check the path.", unreadable=True))
ISSUES.add(_file("empty_file", "Empty file", "error",
    "The file has no content.", "Export it again, with at least one row.", unreadable=True))
ISSUES.add(_file("file_too_large", "File too large", "error",
    f"The file is larger than {size(MAX_UPLOAD_BYTES)}.", "Split it into several files.", unreadable=True))
ISSUES.add(_file("container", "Archive or container", "error",
    "The content is an archive or another container, whatever the file's name says.",
    "Unpack it, or export its table as CSV.", unreadable=True))
ISSUES.add(_file("format_unknown", "Unknown format", "error",
    "The requested format is not supported.", "Choose another format."))
ISSUES.add(_file("no_rows", "No rows", "error",
    "The file has a header or a schema, but no rows.", "Export it again, with its rows."))
ISSUES.add(_file("suffix_mismatch", "Name and content differ", "info",
    "The file's name suggests another format than its content has; the content counts."))
ISSUES.add(_file("encoding_guessed", "Encoding detected", "warning",
    "The text is not UTF-8; its encoding was detected from the bytes.",
    "Check accented letters in the preview; choose another encoding if they are wrong."))
ISSUES.add(_file("findings_cut", "More findings", "info",
    "Only the first findings are listed.", "Fix them and check again."))
ISSUES.add(_text("encoding", "Invalid bytes", "error",
    "The row contains bytes that are invalid in the file's encoding.",
    "Save the file as UTF-8, or choose the encoding it was saved in.", unreadable=True))
ISSUES.add(_text("nul", "NUL character", "error",
    "The row contains a NUL character (U+0000).", "Remove it; databases and tokenizers reject NUL characters.",
    unreadable=True))
ISSUES.add(_text("lone_surrogate", "Half a character", "error",
    "The row contains half of a surrogate pair, which is not a valid character.",
    "Export the row again; an emoji was probably cut in two."))
