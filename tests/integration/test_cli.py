"""The main job from a terminal, cold: nothing runs before, everything needed is started, nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.servers import free_port

ROWS = [(f"What is item {number}?", f"Item {number} is a tool.") for number in range(12)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "faq.csv"
    file.write_text("question,answer\n" + "".join(f"{given},{wanted}\n" for given, wanted in ROWS))
    return file


@pytest.fixture
def nothing_left(studio_with_starter: Path) -> Iterator[None]:
    """No process of this studio outlives its command."""
    yield
    left = [
        process.info for process in psutil.process_iter(["pid", "cmdline"]) if _serves(process, studio_with_starter)
    ]
    assert left == []


def _serves(process: psutil.Process, data_dir: Path) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get("SFT_DATA_DIR") == str(data_dir)
    except psutil.Error:
        return False


def sft(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `sft` as a person would, in a process of its own."""
    env = os.environ | {"SFT_INFERENCE_PORT": str(free_port()), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "core.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=600)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def last_json(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.usefixtures("nothing_left")
def test_a_table_becomes_a_model_that_answers(table: Path) -> None:
    words = ["--template", "qa", "--input", "question", "--target", "answer", "--name", "faq", "--json"]
    made = last_json(sft("convert", str(table), *words))
    assert (made["name"], made["examples"], made["state"]) == ("faq", 12, "validated")
    assert (made["read"], made["accepted"], made["rejected"]) == (12, 12, 0)

    train = ["train", "--dataset", "faq", "--base", "starter", "--method", "lora", "--set", "num_epochs=2", "--wait"]
    trained = last_json(sft(*train, "--name", "faq-v1", "--json"))
    assert list(trained) == ["job", "model", "status", "loss"]
    assert (trained["model"], trained["status"]) == ("faq-v1", "succeeded")
    assert float(str(trained["loss"])) > 0

    (job,) = [json.loads(line) for line in sft("jobs", "--json").stdout.splitlines()]
    assert (job["job"], job["status"], job["progress"]) == (trained["job"], "succeeded", 100)
    (model,) = [json.loads(line) for line in sft("models", "--json").stdout.splitlines()]
    assert (model["name"], model["job"]) == ("faq-v1", trained["job"])

    answer = sft("chat", "--model", "faq-v1", "--max-tokens", "24", ROWS[0][0])
    assert answer.stdout.strip()
    assert len(answer.stdout.splitlines()) == 1

    again = sft("convert", str(table), *words, code=1)  # the name is taken
    assert "faq" in again.stderr


@pytest.mark.usefixtures("nothing_left")
def test_a_table_is_converted_as_suggested_with_the_reason(tmp_path: Path) -> None:
    table = tmp_path / "preise.csv"
    rows = "".join(
        f"Stuhl Modell {n};Holz;{n}9,90;Ein Stuhl aus Holz für die Küche mit {n} Streben.\n" for n in range(1, 13)
    )
    table.write_text(f"Produkt;Material;Preis;Beschreibung\n{rows}Summe;;898,80;\n")
    done = sft("convert", str(table), "--suggested", "--name", "chairs", "--json")
    assert "Suggestion: Each `Produkt` is different, and `Beschreibung` says more about it." in done.stderr
    assert "Left out, as chosen: line 14." in done.stderr
    made = last_json(done)
    assert (made["read"], made["accepted"], made["rejected"], made["examples"]) == (13, 12, 1, 12)


@pytest.mark.usefixtures("nothing_left")
def test_what_is_left_out_and_a_dataset_that_failed(table: Path) -> None:
    with table.open("a") as file:
        file.writelines(f"Why {number}?,\n" for number in range(7))
    words = ["--template", "qa", "--input", "question", "--target", "answer"]
    done = sft("convert", str(table), *words, "--name", "faq")
    shown = done.stderr.splitlines()
    assert "no data worker is running" not in done.stderr
    assert "19 rows = 12 accepted + 7 left out" in shown
    rows = [line for line in shown if line.startswith("  line ")]
    assert [line.split(":")[0] for line in rows] == [f"  line {number}" for number in range(14, 19)]
    assert all("is empty. Fill it in" in line and "[cell_empty]" in line for line in rows)
    assert any(line.startswith("  and 2 more rows: ") and "[cell_empty]" in line for line in shown)
    assert "left_out" not in done.stdout

    few = table.with_name("few.csv")
    few.write_text("question,answer\nWhy?,So.\nHow?,\n")
    failed = sft("convert", str(few), *words, "--name", "few", "--json", code=1)
    made = last_json(failed)
    assert (made["state"], made["read"], made["left_out"]) == ("failed", 2, {"cell_empty": 1})
    assert "10" in failed.stderr

    none = table.with_name("none.csv")
    none.write_text("question,answer\nHow?,\n")
    refused = sft("convert", str(none), *words, "--name", "none", code=1)
    assert "1 row = 0 accepted + 1 left out" in refused.stderr
    assert "  line 2: " in refused.stderr


@pytest.mark.usefixtures("nothing_left")
def test_what_cannot_work_is_said_before_anything_starts(table: Path) -> None:
    missing = sft("train", "--dataset", "nothing", code=1)
    assert "nothing" in missing.stderr
    wrong = sft(
        "convert", str(table), "--template", "qa", "--input", "frage", "--target", "answer", "--name", "x", code=1
    )
    assert "frage" in wrong.stderr
    missing_part = sft("convert", str(table), "--template", "qa", "--target", "answer", "--name", "x", code=1)
    assert "needs a key column" in missing_part.stderr
    assert "--input COL" in missing_part.stderr
    unmapped = table.with_name("plain.csv")
    unmapped.write_text("product,price\nrake,3\n")
    told = sft("convert", str(unmapped), "--name", "x", code=1)
    assert "Convert it with --suggested, or choose: sft convert" in told.stderr
    assert "--template" in told.stderr
    assert "does not exist" in sft("chat", "--model", "nobody", "Hello?", code=1).stderr
