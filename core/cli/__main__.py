"""`python -m core.cli` is `sft`."""

from __future__ import annotations

import sys

from core.cli import main

sys.exit(main())
