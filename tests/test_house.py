"""What holds for the house as a whole: light imports, one-way imports, short pages, documented settings."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import Settings

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "pages", "worker", "api")
HEAVY = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "datasets",
    "bitsandbytes",
    "openai",
    "ollama",
    "duckdb",
    "plotly.express",
)


def modules_of(package: str) -> list[str]:
    files = sorted((ROOT / package).rglob("*.py"))
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if "migrations" not in name and "__main__" not in name]


def heavy_after(*modules: str) -> list[str]:
    """Which heavy libraries a fresh interpreter has loaded after importing these modules."""
    code = f"import importlib, sys\nfor name in {list(modules)!r}: importlib.import_module(name)\n"
    code += f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout.split()


def test_importing_all_of_core_loads_nothing_heavy() -> None:
    assert heavy_after(*modules_of("core")) == []


def test_the_screens_shared_code_loads_nothing_heavy() -> None:
    assert heavy_after(*[name for name in modules_of("pages") if "._" in name or ".ui" in name]) == []


def test_importing_the_inference_process_loads_nothing_heavy() -> None:
    """It starts with the studio; torch comes with the first question."""
    assert heavy_after("worker.inference.__main__") == []


def test_importing_the_api_loads_nothing_heavy() -> None:
    assert heavy_after(*modules_of("api")) == []


def test_the_front_door_loads_nothing_heavy(studio_env: Path) -> None:
    code = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('Home.py', default_timeout=180).run()\nassert not app.exception, app.exception\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == []


def test_imports_run_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def variables() -> set[str]:
    names = set()
    for name, field in Settings.model_fields.items():
        names.add(field.validation_alias if isinstance(field.validation_alias, str) else f"SFT_{name.upper()}")
    return names


def test_the_readme_lists_every_setting_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("## Configuration")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", table, flags=re.MULTILINE)) == variables()


@pytest.mark.parametrize("document", ["README.md", *[str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md")]])
def test_links_between_documents_lead_somewhere(document: str) -> None:
    file = ROOT / document
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (file.parent / link).exists()]
    assert missing == []


def test_nothing_is_left_to_be_done_later() -> None:
    """A choice appears when it works: no dead ends on screens, no notes to oneself in the code."""
    promise = re.compile(r"\b(TODO|FIXME|XXX|lorem ipsum|coming soon|not implemented)\b", flags=re.IGNORECASE)
    files = [
        ROOT / "Home.py",
        *(file for room in ROOMS for file in (ROOT / room).rglob("*.py")),
    ]
    found = [
        f"{file.relative_to(ROOT)}: {hit.group()}"
        for file in files
        for hit in promise.finditer(file.read_text("utf-8"))
    ]
    assert found == []


# Packages with more modules than this have a reason.
MODULES_PER_PACKAGE = 15
LARGER = {
    "core/platform/db/migrations/versions": "one file per revision",
    "core/cli": "one file per verb",
    "core/data/chat_logs": "one file per export",
    "core/data/issues": "one file per subject, and the machinery of the catalog",
}
MAX_LINES = 400


def test_no_package_of_core_is_a_drawer() -> None:
    found = {}
    for folder in {file.parent for file in (ROOT / "core").rglob("*.py")}:
        place = str(folder.relative_to(ROOT))
        modules = [file for file in folder.glob("*.py") if not file.stem.startswith("__")]
        if len(modules) > MODULES_PER_PACKAGE and place not in LARGER:
            found[place] = len(modules)
    assert found == {}


def test_no_file_is_longer_than_400_lines() -> None:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    lengths = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_a_class_name_exists_once_in_the_tree() -> None:
    places: dict[str, list[str]] = {}
    for file in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
