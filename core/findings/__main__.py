"""`python -m core.findings` writes docs/findings.md."""

import sys

from core.findings.table import document

sys.stdout.write(document())
