"""Everything that can be wrong with data: one record per code, and the ways to report it.

A new issue is a record in the file of its subject, `ISSUES.add(Issue(...))`; its check, its rule and its fixes are in
the same file, and the record names them. The findings of files and rows, the rules about sets, the quality report with
its score and its fixes, and docs/findings.md all read this catalog. It is not formatted automatically, so that an issue
remains one short paragraph.
"""

# Each adds its issues, in the order of the document and of the worklist.
# isort: off
from core.data.issues import files, rows, sets, consistency, copies, answers, lengths, privacy, text, languages
# isort: on

from core.data.issues.findings import data_error, finding, from_error, reject
from core.data.issues.issue import ISSUES, AffectedRow, Fix, Issue, ScoreShare, Verdict, checks, codes
