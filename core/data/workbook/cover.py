"""Whether a sheet is a cover page: a title, a note or a few facts about the file, before the sheets with the table."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_COVER_ROWS = 40
# What the first column of a list of facts about a file says, in the languages of most spreadsheets.
_FACTS = re.compile(
    r"(?:title|titel|titre|t[ií]tulo|author|autor|auteur|owner|date|datum|fecha|data|version|created|erstellt|updated|"
    r"stand|status|source|quelle|contact|kontakt|email|e-mail|department|abteilung|project|projekt|description|"
    r"beschreibung|contents?|inhalt|sheets?|rows|notes?|notiz|prepared by|company|firma|"
    r"file|datei|purpose)\b.*",
    re.IGNORECASE,
)


def is_cover(table: Sequence[Sequence[str]], rows: int) -> bool:
    """Whether the first rows of a sheet are not a table.

    Args:
        rows: of the full sheet.
    """
    if rows > MAX_COVER_ROWS:
        return False
    filled = [[cell.strip() for cell in row if cell.strip()] for row in table]
    filled = [cells for cells in filled if cells]
    wide = [cells for cells in filled if len(cells) > 1]
    if len(wide) < 2:  # a table has a header and a row
        return True
    if len(wide) * 2 < len(filled):  # mostly single texts
        return True
    facts = sum(cells[0].endswith(":") or bool(_FACTS.fullmatch(cells[0])) for cells in wide)
    return max(map(len, wide)) == 2 and facts * 2 >= len(wide) and len(wide) <= 15
