"""An export format is one file and one line: a dummy appears wherever formats are listed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.data.versions.exports import EXPORTS, ExportFormat
from core.services.data import datasets, exports
from tests.support.registry import registered
from tests.support.versions import pair

ROWS = (
    (
        "an export format",
        "core/data/versions/exports/<id>.py",
        "core/data/versions/exports/__init__.py: EXPORTS.add(...)",
    ),
)
DUMMY = ExportFormat(
    "shout",
    "Shouted",
    "Answers in capitals.",
    ".shout",
    "text/plain",
    lambda example: ["flags"],
    lambda path, split: iter([b"HELLO\n"]),
)


@pytest.mark.usefixtures("studio_env")
def test_a_new_format_is_found_by_the_service_and_the_screen(open_screen) -> None:
    dataset = datasets.create_dataset("Pairs", [pair(f"Q{n}", "A") for n in range(12)])
    with registered(EXPORTS, DUMMY):
        assert b"".join(exports.export(dataset.version.id, "shout")) == b"HELLO\n"
        assert exports.filename(dataset.version.id, "shout").endswith(".shout")
        assert [loss.count for loss in exports.losses(dataset.version.id, "shout")] == [12]
        app = open_screen("datasets", id=dataset.id, view="Versions")
        app.button(key=f"export_{dataset.version.id}").click().run()
        assert "Shouted" in app.radio(key="export_format").options


def test_a_new_format_is_in_the_help_of_the_command_line() -> None:
    code = (
        "from core.data.versions.exports import EXPORTS, JSONL\n"
        "from dataclasses import replace\n"
        "EXPORTS.add(replace(JSONL, id='shout'))\n"
        "import sys; sys.argv = ['sft', 'export', '--help']\n"
        "from core.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "shout" in done.stdout
