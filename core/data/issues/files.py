"""What can be wrong with a file, with its text, and with CSV, JSON, Excel, gzip and Parquet files and their rows."""

from __future__ import annotations

from functools import partial

from core.data.issues.issue import ISSUES, Issue
from core.data.reading_options import how
from core.settings import MAX_UPLOAD_BYTES
from core.text import size

_file = partial(Issue, subject="The file", scope="file")
_text = partial(Issue, subject="Text", scope="row")
_csv = partial(Issue, subject="CSV", scope="row")
_json = partial(Issue, subject="JSON and JSON lines", scope="row")
_packed = partial(Issue, subject="Excel and gzip", scope="file")
_parquet = partial(Issue, subject="Parquet", scope="file")

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
# ---- CSV
ISSUES.add(_csv("csv_ragged", "Wrong number of cells", "error",
    "The row has more or fewer cells than the header.",
    f"Quote cells that contain the delimiter, or choose {how('short_rows')} or {how('long_rows')}."))
ISSUES.add(_csv("csv_delimiter", "No such delimiter", "error",
    "The chosen delimiter does not occur in the file.", f"Choose another one: {how('delimiter')}.", scope="file"))
ISSUES.add(_csv("csv_one_column", "One column", "info",
    "No delimiter was found, so each line is one cell.",
    f"If there are several columns, choose {how('delimiter')}.", scope="file"))
ISSUES.add(_csv("csv_unquoted", "Unquoted delimiters", "warning",
    "Rows have more cells than the header, because texts contain the delimiter and are not quoted.",
    f"Quote these texts, or choose {how('long_rows', 'join')}.", scope="file"))
ISSUES.add(_csv("csv_swallowed", "Rows inside a cell", "warning",
    "A quote opens a cell and the next one closes it several lines later, although each line looks like a row.",
    f"If quotes are part of the texts, choose {how('quotechar', '')}.", scope="file"))
ISSUES.add(_csv("csv_comments", "Comments left out", "info",
    "Lines that begin with a comment character are not rows and were left out.",
    f"If they are rows, choose {how('comment', '')}.", scope="file"))
ISSUES.add(_csv("csv_unclosed_quote", "Unclosed quote", "error",
    "A quote was opened and never closed.", 'Close it, or write a quote inside a cell twice ("").', unreadable=True))
ISSUES.add(_csv("csv_quote", "Text after a quote", "error",
    "Text follows a closing quote.", 'Write a quote inside a quoted cell twice ("").', unreadable=True))
ISSUES.add(_csv("csv_too_long", "Line or cell too long", "error",
    "A line or cell is longer than 10 MB.", "Check for an unclosed quote; split the cell.", unreadable=True))
ISSUES.add(_csv("csv_header", "Blank or repeated column name", "warning",
    "A column name is blank or appears twice; the column was renamed.", "Give the column a name in the file."))
ISSUES.add(_csv("csv_preamble", "Lines before the header", "warning",
    "Lines before the header are not part of the table and were left out.",
    "Remove them from the file, or turn the header off if they are rows."))
# ---- JSON and JSON lines
ISSUES.add(_json("json_syntax", "Invalid JSON", "error",
    "The text is not valid JSON.", "Correct it at the given position.", unreadable=True))
ISSUES.add(_json("json_depth", "Nested too deeply", "error",
    "Brackets are nested deeper than 100 levels.", "Flatten the value.", unreadable=True))
ISSUES.add(_json("json_duplicate_key", "Duplicate key", "error",
    "An object has the same key twice.", "Remove or rename one of them."))
ISSUES.add(_json("json_number", "Number too large", "error",
    "A number is too large to be stored exactly (such as 1e400 or 5,000 digits).", "Write it as text."))
ISSUES.add(_json("json_too_long", "Record too long", "error",
    "A record is longer than 10 MB.", "Split it; check for a missing line break.", unreadable=True))
ISSUES.add(_json("json_no_rows", "No rows in the JSON", "error",
    "The JSON is valid but has no objects to use as rows.",
    'Each row is an object, such as {"question": "...", "answer": "..."}.', scope="file"))
ISSUES.add(_json("json_ragged", "Wrong number of cells", "error",
    "A row that is a list has more or fewer cells than there are columns.", "Add null for cells without a value."))
ISSUES.add(_json("bom_inside", "Marks of joined files", "info",
    "Byte order marks inside the file, where other files were joined to it, were left out.", scope="file"))
ISSUES.add(_json("json_array_chosen", "One array of an object", "info",
    "The rows are taken from one array of the JSON object; the rest of the object is not used.", scope="file"))
# ---- Excel and gzip
ISSUES.add(_packed("xlsx_unreadable", "Unreadable workbook", "error",
    "The Excel workbook is damaged, or has no such sheet.",
    "Open and save it in Excel, or export the sheet as CSV (UTF-8).", unreadable=True))
ISSUES.add(_packed("xlsx_encrypted", "Password-protected workbook", "error",
    "The Excel workbook is protected by a password.", "Save it without a password.", unreadable=True))
ISSUES.add(_packed("xlsx_too_large", "Workbook too large", "error",
    "Unpacked, the Excel workbook exceeds the limit of bytes, rows or cells.", "Export the sheet as CSV (UTF-8).",
    unreadable=True))
ISSUES.add(_packed("xlsx_error_cells", "Excel errors in cells", "warning",
    "Cells of the workbook contain an Excel error such as #N/A or #DIV/0!; they are read as empty.",
    "Correct them in the workbook.", scope="row"))
ISSUES.add(_packed("xlsx_formula_cells", "Formulas without a value", "warning",
    "Cells of the workbook contain a formula that was never computed; they are read as empty.",
    "Open and save it in Excel or LibreOffice, which store the values beside the formulas.", scope="row"))
ISSUES.add(_packed("xlsx_format", "Number format not shown", "warning",
    "Cells have a number format that cannot be shown as Excel does; their plain value was read.",
    "Compare the values with Excel; choose another format there if the text matters.", scope="row"))
ISSUES.add(_packed("merged_cells", "Merged cells", "warning",
    "Cells are merged over several rows; only the first row has the text, the others are empty.",
    "Choose that every row gets the text, or unmerge the cells in Excel."))
ISSUES.add(_packed("sheets_unread", "Other sheets", "warning",
    "The workbook has more sheets with rows; only one is read.",
    "Choose another sheet, or upload the file again for it."))
ISSUES.add(_packed("sheet_cover", "Cover page", "info",
    "The first sheet is a cover page without a table; the first sheet with a table is read.", "Choose another sheet."))
ISSUES.add(_packed("header_repeated", "Repeated header", "warning",
    "A row repeats the header, as in files that were joined; it was left out.",
    "Check that the joined files have the same columns.", scope="row"))
ISSUES.add(_packed("gzip_damaged", "Damaged gzip file", "error",
    "The gzip file is truncated or damaged.", "Compress or download it again.", unreadable=True))
ISSUES.add(_packed("gzip_incomplete", "Incomplete gzip file", "warning",
    "The gzip file is truncated or damaged; only the rows before the damage were read.",
    "Compress or download it again."))
ISSUES.add(_packed("gzip_too_large", "Gzip file too large", "error",
    "Unpacked, the gzip file exceeds the size limit.", "Split it into several files.", unreadable=True))
# ---- Parquet
ISSUES.add(_parquet("parquet_unreadable", "Unreadable Parquet file", "error",
    "The Parquet file is truncated or damaged.", "Create or download it again.", unreadable=True))
ISSUES.add(_parquet("parquet_encrypted", "Encrypted Parquet file", "error",
    "The Parquet file is encrypted.", "Save it without encryption.", unreadable=True))
ISSUES.add(_parquet("parquet_too_large", "Parquet file too large", "error",
    "Unpacked, the Parquet file exceeds the size limit.", "Save fewer rows per file.", unreadable=True))
ISSUES.add(_parquet("binary_as_base64", "Binary column", "info",
    "A binary column is not text; it is shown as base64.", "Leave the column out."))
ISSUES.add(_parquet("parquet_joined", "Several Parquet files in one", "error",
    "The file is several Parquet files joined byte by byte; a reader would take the rows of one for those of another.",
    "Upload them one by one, or join them as tables, for example with pandas or DuckDB.", unreadable=True))
ISSUES.add(_parquet("parquet_index", "Row numbers of pandas", "info",
    "An index column that pandas wrote has no name and only row numbers; it is not used.", scope="file"))
ISSUES.add(_parquet("class_labels", "Names of labels", "info",
    "The numbers of a label column were read as the names in the Hugging Face metadata of the file.", scope="file"))
