"""Codes of what is found in a file before there are examples: its bytes, its format, its rows."""

from __future__ import annotations

from typing import Final

from core.data.findings.code import Code

OF_FILES: Final[dict[str, tuple[Code, ...]]] = {
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
}
