"""`python -m core.data.findings` writes docs/findings.md."""

import sys

from core.data.findings.table import document

sys.stdout.write(document())
