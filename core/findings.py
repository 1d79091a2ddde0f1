"""Every finding code of the studio in one table, and the one way to make a Finding.

A code is stable: scripts test for it. docs/findings.md lists the table, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import DataError
from core.messages import Finding, Reject, Severity


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means: its usual severity, its meaning, and what to do.

    `unreadable` marks the codes that, when no row could be read at all, mean "this file cannot be read" (exit code 2)
    rather than "this file was read and has faults" (exit code 1).
    """

    id: str
    severity: Severity
    meaning: str
    remedy: str
    unreadable: bool = False


GROUPS: dict[str, tuple[Code, ...]] = {
    "The file as a whole": (
        Code(
            "data", "error", "Something about the data is wrong that has no code of its own.", "Read the message.", True
        ),
        Code("file_missing", "error", "The file does not exist or cannot be opened.", "Check the path.", True),
        Code("empty_file", "error", "The file has no content.", "Export it again, with at least one row.", True),
        Code(
            "file_too_large",
            "error",
            "The file is larger than 104,857,600 bytes.",
            "Split it into several files.",
            True,
        ),
        Code(
            "container",
            "error",
            "The file is an archive, a workbook or another container, whatever its name says.",
            "Unpack it, or export the sheet as CSV.",
            True,
        ),
        Code(
            "format_unknown", "error", "The format that was asked for is not one the studio reads.", "Choose another."
        ),
        Code("no_rows", "error", "The file has a header or a schema, but no rows.", "Export it again, with its rows."),
        Code(
            "suffix_mismatch",
            "info",
            "The name says one format, the content is another; the content counts.",
            "Nothing to do; rename the file if the name bothers you.",
        ),
        Code(
            "encoding_guessed",
            "warning",
            "The text is not UTF-8; its encoding was inferred from the bytes.",
            "Look at accented letters in the preview; choose another encoding if they are wrong.",
        ),
        Code("findings_cut", "info", "There are more findings than are listed.", "Mend those listed and check again."),
    ),
    "Text": (
        Code(
            "encoding",
            "error",
            "The row holds bytes that are not valid in the file's encoding.",
            "Save the file as UTF-8, or choose the encoding it was saved in.",
            True,
        ),
        Code(
            "nul",
            "error",
            "The row holds a NUL character (U+0000).",
            "Remove it; models and databases choke on it.",
            True,
        ),
        Code(
            "lone_surrogate",
            "error",
            "The row holds half of a surrogate pair, which is no character.",
            "Export the row again; an emoji was probably cut in two.",
        ),
    ),
    "CSV": (
        Code(
            "csv_ragged",
            "error",
            "The row has more or fewer cells than the header.",
            "Quote cells that hold the delimiter.",
        ),
        Code(
            "csv_unclosed_quote",
            "error",
            "A quote was opened and never closed.",
            'Close it, or write a quote inside a cell twice ("").',
            True,
        ),
        Code(
            "csv_quote",
            "error",
            "Text follows a closing quote.",
            'Write a quote inside a quoted cell twice ("").',
            True,
        ),
        Code(
            "csv_too_long",
            "error",
            "A line or cell is longer than 10 MB.",
            "Check for an unclosed quote; split the cell.",
            True,
        ),
        Code(
            "csv_header",
            "warning",
            "A column name is blank or stands there twice; it was given a name of its own.",
            "Name it.",
        ),
        Code(
            "csv_preamble",
            "warning",
            "Lines before the header are not part of the table and were left out.",
            "Remove them from the file, or turn the header off if they are rows.",
        ),
    ),
    "JSON and JSON lines": (
        Code("json_syntax", "error", "The text is not valid JSON.", "Correct it at the place named.", True),
        Code("json_depth", "error", "Brackets are nested deeper than 100 levels.", "Flatten the value.", True),
        Code("json_duplicate_key", "error", "An object has the same key twice.", "Remove or rename one of them."),
        Code(
            "json_number",
            "error",
            "A number is too large to be kept exactly (such as 1e400 or 5,000 digits).",
            "Write it as a text.",
        ),
        Code(
            "json_too_long",
            "error",
            "A record is longer than 10 MB.",
            "Split it; check for a missing line break.",
            True,
        ),
        Code(
            "json_no_rows",
            "error",
            "Valid JSON, but no object that could be a row.",
            'Each row is an object, such as {"question": "...", "answer": "..."}.',
        ),
    ),
    "Workbooks and packed files": (
        Code(
            "xlsx_unreadable",
            "error",
            "The Excel workbook is damaged, or has no such sheet.",
            "Open and save it in Excel, or export the sheet as CSV (UTF-8).",
            True,
        ),
        Code(
            "xlsx_encrypted",
            "error",
            "The Excel workbook is protected by a password.",
            "Save it without a password.",
            True,
        ),
        Code(
            "xlsx_too_large",
            "error",
            "Unpacked, the Excel workbook is larger than the studio reads.",
            "Export the sheet as CSV (UTF-8).",
            True,
        ),
        Code(
            "xlsx_error_cells",
            "warning",
            "Cells of the workbook hold an Excel error such as #N/A or #DIV/0!; they are read as empty.",
            "Correct them in the workbook.",
        ),
        Code(
            "xlsx_formula_cells",
            "warning",
            "Cells of the workbook hold a formula that was never computed; they are read as empty.",
            "Open and save it in Excel or LibreOffice, which write the values beside the formulas.",
        ),
        Code(
            "gzip_damaged",
            "error",
            "The gzip file is cut off or damaged; what stands before the damage was read.",
            "Pack or download it again.",
            True,
        ),
        Code(
            "gzip_too_large",
            "error",
            "Unpacked, the gzip file is larger than the studio reads.",
            "Split it into several files.",
            True,
        ),
    ),
    "Parquet": (
        Code(
            "parquet_unreadable",
            "error",
            "The Parquet file is truncated or damaged.",
            "Write or download it again.",
            True,
        ),
        Code("parquet_encrypted", "error", "The Parquet file is encrypted.", "Write it without encryption.", True),
        Code(
            "parquet_too_large",
            "error",
            "Unpacked, the Parquet file is larger than the studio reads.",
            "Write fewer rows per file.",
            True,
        ),
        Code(
            "binary_as_base64", "info", "A binary column is not text; it is shown as base64.", "Leave the column out."
        ),
    ),
    "From rows to examples": (
        Code(
            "shape_unknown",
            "error",
            "The table is in no known chat shape: nobody has said yet which column is the input, which the output.",
            "Convert it: choose a template, an input and a target column.",
        ),
        Code(
            "columns_unused",
            "info",
            "Columns that the known shape has no use for were left out.",
            "Convert the table to use them.",
        ),
        Code(
            "chat_left_out",
            "info",
            "Messages of a chat log are in no example, for the reason named.",
            "Look at what was left out, and change roles or filters if it should be in.",
        ),
        Code(
            "chat_redacted",
            "info",
            "Personal data and secrets of a chat log were replaced by placeholders.",
            "Nothing to do; read some examples to see that they still make sense.",
        ),
        Code("column_missing", "error", "The row has no such column.", "Add it, or choose another column."),
        Code(
            "cell_empty",
            "error",
            "A cell that the template needs is empty.",
            "Fill it in, or choose another way with empty cells.",
        ),
    ),
    "One example": (
        Code(
            "messages_invalid",
            "error",
            "The messages are not a list of objects.",
            'Write [{"role": ..., "content": ...}].',
        ),
        Code(
            "role_unknown",
            "error",
            "A role is none of system, user, assistant, tool.",
            "Use one of the four, in lower case.",
        ),
        Code(
            "assistant_missing",
            "error",
            "No assistant message: there is no output to learn.",
            "Add the desired answer.",
        ),
        Code("user_missing", "error", "No user message: there is no input.", "Add the question or request."),
        Code("content_empty", "error", "A message is empty or blank.", "Fill it in, or remove the message."),
        Code("content_not_text", "error", "A message's content is not text.", "Write the content as one text."),
        Code("assistant_first", "warning", "The assistant speaks before any user.", "Start with the user's input."),
        Code(
            "role_repeated",
            "warning",
            "Two messages of the same role follow each other.",
            "Join them, or add the turn between.",
        ),
        Code("system_late", "warning", "A system message stands after the first turn.", "Move it to the front."),
        Code(
            "last_not_assistant",
            "warning",
            "The last message is not the assistant's; nothing is learnt from it.",
            "Remove it, or add the answer.",
        ),
        Code(
            "tool_call_invalid",
            "error",
            "A tool call is not in the expected shape.",
            "Give id, type and function {name, arguments}.",
        ),
        Code(
            "tool_call_unanswered", "warning", "A tool call has no result.", "Add a tool message with its tool_call_id."
        ),
        Code(
            "tool_result_orphan",
            "error",
            "A tool message answers no call.",
            "Name the tool_call_id of an earlier call.",
        ),
        Code(
            "arguments_not_json",
            "error",
            "A tool call's arguments are not a JSON text.",
            "Write them as a JSON string.",
        ),
        Code("weight_invalid", "error", "A weight is neither 0 nor 1, or not on an assistant message.", "Use 0 or 1."),
        Code("keys_extra", "warning", "A message has keys that training does not use.", "Remove them, or ignore this."),
        Code(
            "special_tokens",
            "warning",
            "The text holds a control token of a chat template, such as <|im_end|>. Training treats it as plain text.",
            "Remove it unless it is meant.",
        ),
        Code(
            "invisible_characters",
            "warning",
            "The text holds zero-width or direction-changing characters.",
            "Remove them unless they are meant.",
        ),
        Code(
            "over_length",
            "warning",
            "The example is longer than about 2,048 tokens (characters / 4).",
            "Shorten it, or train with a larger maximum length.",
        ),
        Code(
            "all_masked", "warning", "Every assistant message has weight 0: nothing is learnt.", "Set one weight to 1."
        ),
    ),
    "Examples that a model wrote": (
        Code("smart_failed", "error", "The model gave no usable answer for the row.", "Read why; ask for it again."),
        Code(
            "smart_empty",
            "warning",
            "Nothing was written from the row: it is empty, or holds no answer.",
            "Choose more columns, or leave it out.",
        ),
        Code(
            "smart_duplicate", "info", "The row, or what was written from it, repeats an earlier one.", "Nothing to do."
        ),
        Code(
            "ungrounded_number",
            "warning",
            "The answer holds a number that does not stand in its row.",
            "Compare it with the row; correct the example or drop it.",
        ),
        Code(
            "ungrounded_name",
            "warning",
            "The answer holds a name that does not stand in its row.",
            "Compare it with the row; correct the example or drop it.",
        ),
        Code(
            "answer_cut",
            "warning",
            "The model was stopped at the longest answer allowed; the text may end early.",
            "Read its end; raise the longest answer and write it again.",
        ),
    ),
    "The whole set": (
        Code(
            "too_few_examples",
            "error",
            "Fewer than 10 labeled examples (below 50: a warning).",
            "Add examples: 10 is the minimum, 50 or more are recommended, 100 to 1,000 are better.",
        ),
        Code("duplicate_examples", "warning", "The same example occurs several times.", "Keep one of each."),
        Code(
            "validation_overlap",
            "warning",
            "Examples stand in the training and in the validation part: the validation loss will look too good.",
            "Take them out of one of the two.",
        ),
    ),
}


def _table() -> dict[str, Code]:
    table: dict[str, Code] = {}
    for code in (code for codes in GROUPS.values() for code in codes):
        if code.id in table:
            raise ValueError(f"finding code {code.id!r} is in the table twice")
        table[code.id] = code
    return table


CODES: dict[str, Code] = _table()


def document() -> str:
    """docs/findings.md as the table has it."""
    lines = [
        "# Findings",
        "",
        "What the studio can find in a file, a row, an example or a set of examples. The codes are stable: scripts",
        "may test for them. `error` rejects the row (or keeps the whole file or set from being used), `warning` keeps",
        "it and says why to look, `info` only tells. Written by `python -m core.findings > docs/findings.md`.",
    ]
    for title, codes in GROUPS.items():
        lines += ["", f"## {title}", "", "| code | severity | meaning | what to do |", "|---|---|---|---|"]
        lines += [f"| `{code.id}` | {code.severity} | {code.meaning} | {code.remedy} |" for code in codes]
    return "\n".join(lines) + "\n"


def finding(
    code: str,
    message: str,
    remedy: str | None = None,
    *,
    line: int | None = None,
    field: str | None = None,
    severity: Severity | None = None,
    raw: str | None = None,
    rows: Iterable[int] = (),
) -> Finding:
    """Make a Finding; severity and remedy come from the table unless they are given."""
    known = CODES[code]
    text = known.remedy if remedy is None else remedy
    return Finding(line, field, code, severity or known.severity, message, text, raw, tuple(rows))


def reject(
    code: str,
    message: str,
    remedy: str | None = None,
    *,
    line: int,
    raw: str,
    field: str | None = None,
    at: int | None = None,
) -> Reject:
    """Make a Reject with one finding; `at` is the line of the fault where it differs from the record's first line."""
    return Reject(line, raw, (finding(code, message, remedy, line=at or line, field=field),))


def data_error(
    code: str, message: str, remedy: str | None = None, *, line: int | None = None, field: str | None = None
) -> DataError:
    """Make a DataError with the table's remedy unless one is given."""
    return DataError(message, CODES[code].remedy if remedy is None else remedy, code=code, line=line, field=field)


def from_error(error: DataError) -> Finding:
    """The Finding that says the same as a DataError."""
    code = error.code if error.code in CODES else "data"
    return finding(code, error.message, error.remedy or None, line=error.line, field=error.field)


if __name__ == "__main__":
    import sys

    sys.stdout.write(document())
