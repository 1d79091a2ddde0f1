"""How good a dataset version is: its report, the examples behind each issue, fixes, and pictures.

A report is computed after each new version (at once where the set is small, else as a background task), and stored
beside the version; it counts as missing once the checks have changed. It is based on the same catalog as the
validation: the same codes for the same things.
"""

from core.data.issues.duplicate_map import DuplicateMap
from core.data.quality.records import Action, IssueGroup, QualityReport, ScorePart
from core.services.data.quality.computing import after_new_version, compute, inspected_at_once, start
from core.services.data.quality.fixing import issue_title, operation_for
from core.services.data.quality.reports import Pictures, Snapshot, pictures, report, rows
