"""Base models that users add: a directory where it is, a GGUF file that is restored, a model of the Hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.cli import main
from core.errors import Conflict, DataError, NotFound, SettingsError, StudioError
from core.models import base_models
from core.models.base_models import added
from core.models.base_models.restored import PARTIAL, alone, bases_directory
from core.platform.db.uow import UnitOfWork
from core.platform.tasks import store
from core.services.platform import tasks
from core.services.serving import chat
from core.services.training import jobs, models, own_bases
from core.services.training.results import RestoreResult
from core.serving.model_formats import places
from tests.support import runs
from tests.support.random_model import make_model
from tests.support.tiny_gguf import make_source, write_gguf
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")


@pytest.fixture(autouse=True)
def _roots(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The screens may read what the tests make, and a folder of the system."""
    monkeypatch.setenv("SFT_IMPORT_ROOTS", f"{tmp_path_factory.getbasetemp()}:/etc")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model(tmp_path / "mine" / "my-model")


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("files") / "tiny chat.Q4_1.gguf", make_source(), kind="Q4_1")


def _ids() -> set[str]:
    ready, _ = jobs.catalog()
    return {base.id for base in ready}


def test_a_directory_is_used_where_it_is_and_appears_everywhere(model: Path) -> None:
    candidate = own_bases.examine(str(model))
    assert (candidate.kind, candidate.title) == ("directory", "my-model")
    assert added.directories() == []  # looking changes nothing
    assert candidate.queue == ""
    new = own_bases.add(candidate)
    own_bases.add(candidate)
    assert new.task is None
    assert new.id in _ids()
    assert new.id in {model.id for model in chat.available_models()}
    assert [base.id for base in own_bases.list_own()] == [new.id]
    own_bases.remove(new.id)
    assert own_bases.list_own() == []
    assert (model / "model.safetensors").is_file()


def test_a_directory_that_was_moved_is_listed_with_the_reason_and_can_be_removed(model: Path) -> None:
    new = own_bases.add(own_bases.examine(str(model)))
    shutil.rmtree(model)
    (base,) = own_bases.list_own()
    assert base.unusable
    assert str(model) in base.reason
    own_bases.remove(new.id)
    assert own_bases.list_own() == []


def test_the_gguf_files_made_of_a_base_are_deleted_with_it(model: Path, tmp_path: Path) -> None:
    other = make_model(tmp_path / "other" / "model")
    both = [own_bases.add(own_bases.examine(str(path))).id for path in (model, other)]
    made = [places.base_gguf(base_id, revision, "f16") for base_id in both for revision in ("before", "now")]
    for file in made:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(1000))
    assert own_bases.gguf_bytes(base_models.resolve(both[0])) == 2000
    own_bases.remove(both[0])
    assert [file.is_file() for file in made] == [False, False, True, True]


def test_a_gguf_file_is_restored_by_a_task_and_can_be_removed(gguf: Path) -> None:
    candidate = own_bases.examine(str(gguf))
    assert (candidate.kind, candidate.title) == ("gguf", "tiny-chat.Q4_1")
    assert "4-bit weights (Q4_1)" in candidate.facts
    new = own_bases.add(candidate)
    assert new.task is not None
    assert candidate.queue == new.task.queue  # whose worker `sft base add` starts
    assert [task.id for task in own_bases.unfinished()] == [new.task.id]
    ended = execute(new.task.id, "test:1")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    assert RestoreResult.of(ended).base_id == new.id
    assert own_bases.unfinished() == []
    base = base_models.resolve(new.id)
    assert (base.note, base.license, base.title) == ("Restored from 4-bit weights.", "apache-2.0", "tiny-chat.Q4_1")
    assert new.id in _ids()
    own_bases.remove(new.id)
    assert new.id not in _ids()
    assert base.path is not None
    assert not base.path.exists()
    assert gguf.is_file()


def test_a_restore_that_is_cancelled_leaves_nothing(gguf: Path, studio_env: Path) -> None:
    new = own_bases.add(own_bases.examine(str(gguf)))
    assert new.task is not None
    tasks.request(new.task.id, "cancel")
    execute(new.task.id, "test:1")
    assert tasks.get_task(new.task.id).state == "cancelled"
    assert list(studio_env.rglob("*.safetensors")) == []
    assert own_bases.list_own() == []


def test_a_file_that_is_damaged_later_fails_with_the_reason(gguf: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    shutil.copy(gguf, copy)
    new = own_bases.add(own_bases.examine(str(copy)))
    copy.write_bytes(copy.read_bytes()[:-9_000])
    assert new.task is not None
    execute(new.task.id, "test:1")
    (task,) = own_bases.unfinished()
    assert (task.state, "cut off" in task.error["message"]) == ("failed", True)


def test_another_file_cannot_take_the_name_of_a_base(gguf: Path, tmp_path: Path) -> None:
    new = own_bases.add(own_bases.examine(str(gguf), "tiny"))
    assert new.task is not None
    execute(new.task.id, "test:1")
    other = write_gguf(tmp_path / "other.gguf", make_source(seed=1))
    with pytest.raises(Conflict, match="another base model named tiny"):
        own_bases.examine(str(other), "tiny")
    with pytest.raises(Conflict, match="belongs to a model of the catalog"):
        own_bases.examine(str(other), "HuggingFaceTB--SmolLM2-135M-Instruct")


def test_the_name_of_a_file_becomes_one_that_is_free(gguf: Path, tmp_path: Path) -> None:
    """The dialog asks for a name after the file was found, so the file's own never fails."""
    first = own_bases.add(own_bases.examine(str(gguf)))
    other = tmp_path / "tiny chat.Q4_1.gguf"
    shutil.copy(gguf, other)
    candidate = own_bases.examine(str(other))
    assert (first.title, candidate.title) == ("tiny-chat.Q4_1", "tiny-chat.Q4_1-2")
    with pytest.raises(Conflict, match="another base model named tiny"):  # it is being restored
        own_bases.examine(str(other), first.title)
    assert own_bases.examine(str(gguf)).title == first.title
    for name, plain in (("日本語", "model"), ("_été 2", "t-2"), ("文" * 80, "model"), ("x" * 200, "x" * 76)):
        other = other.rename(tmp_path / f"{name}.gguf")
        assert own_bases.examine(str(other)).title == plain


def test_two_files_that_are_added_under_one_name_at_the_same_moment_do_not_become_one(
    gguf: Path, tmp_path: Path
) -> None:
    other = tmp_path / gguf.name
    shutil.copy(gguf, other)
    candidates = [own_bases.examine(str(path)) for path in (gguf, other)]
    own_bases.add(candidates[0])
    with pytest.raises(Conflict, match="Another file is being restored as tiny-chat"):
        own_bases.add(candidates[1])


def test_two_tasks_never_write_one_base_and_what_a_kill_left_is_removed(gguf: Path, studio_env: Path) -> None:
    new = own_bases.add(own_bases.examine(str(gguf), "tiny"))
    assert new.task is not None
    left = bases_directory() / f".another{PARTIAL}"
    left.mkdir(parents=True)
    with alone(bases_directory() / "tiny"):
        execute(new.task.id, "test:1")
    assert "Another task" in tasks.get_task(new.task.id).error["message"]
    assert not left.exists()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ('"{model}"', "{model}"),
        ("'{model}' ", "{model}"),
        ("file://{model}", "{model}"),
        ("https://huggingface.co/Qwen/Qwen3-0.6B/tree/main?x=1", "Qwen/Qwen3-0.6B"),
        ("hf.co/Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
    ],
)
def test_a_path_or_an_address_as_it_was_copied_is_understood(model: Path, text: str, means: str) -> None:
    spaced = model.rename(model.with_name("my model"))
    copied = str(spaced).replace(" ", "%20") if text.startswith("file:") else str(spaced)
    found = own_bases.examine(text.format(model=copied))
    assert found.id.removeprefix("local:") == means.format(model=spaced)


def test_what_is_a_base_model_already_is_not_added_again(model: Path) -> None:
    new = own_bases.add(own_bases.examine(str(model)))
    again = own_bases.examine(str(model))
    assert (again.here, "already" in again.facts) == (True, True)
    assert own_bases.add(again) == new


@pytest.mark.parametrize("name", ["../out", ".hidden", "a/b", "x" * 81, "a b", "é", "_a"])
def test_a_name_that_leaves_the_folder_is_refused(gguf: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be used"):
        own_bases.examine(str(gguf), name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Enter a path"),
        ("/etc/nowhere/at/all", "no file or directory"),
        ("/nowhere/at/all", "outside the folders"),
        ("/proc/self/environ", "outside the folders"),
        ("/etc/../proc/self/environ", "outside the folders"),
        ("a\0b", "Enter a path"),
        ("relative", "not a complete path, and not a Hub id"),
        ("~nobody-of-this-name/x", "not a complete path|outside the folders"),
        ("/etc/" + "x" * 300, "no file or directory"),
        ("/etc/hostname", "not a GGUF file|cut off"),
        ("/etc", "no config.json"),
    ],
)
def test_what_cannot_be_a_base_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(StudioError, match=says) as caught:
        own_bases.examine(text)
    assert caught.value.remedy


def test_a_directory_of_gguf_files_leads_to_a_file(gguf: Path) -> None:
    with pytest.raises(DataError, match="contains GGUF files") as caught:
        own_bases.examine(str(gguf.parent))
    assert str(gguf) in caught.value.remedy


def test_a_hub_id_is_downloaded() -> None:
    candidate = own_bases.examine("Qwen/Qwen3-0.6B")
    assert (candidate.kind, candidate.id) == ("hub", "Qwen/Qwen3-0.6B")
    new = own_bases.add(candidate)
    assert new.task is not None
    assert new.task.kind == "download"
    assert candidate.queue == new.task.queue


def test_a_link_out_of_the_allowed_folders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    with pytest.raises(SettingsError, match="outside the folders"):
        own_bases.examine(str(tmp_path / "link" / "self"))


def test_a_directory_whose_files_are_links_out_of_the_allowed_folders_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFT_IMPORT_ROOTS", str(tmp_path / "allowed"))
    inside = tmp_path / "allowed" / "model"
    inside.mkdir(parents=True)
    for file in model.iterdir():
        (inside / file.name).symlink_to(file)
    with pytest.raises(SettingsError, match="is a link to a place outside the folders"):
        own_bases.examine(str(inside))
    assert own_bases.examine(str(inside), folder=tmp_path).kind == "directory"  # in a terminal it is the user's own


def test_one_file_of_a_directory_leads_to_the_directory(model: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        with pytest.raises(SettingsError, match="is one file of a model") as caught:
            own_bases.examine(str(model / name))
        assert str(model) in caught.value.remedy


def test_a_download_of_another_model_is_shown_until_it_ends_and_a_failure_for_a_day() -> None:
    listed = own_bases.add(own_bases.examine("Qwen/Qwen3-0.6B")).task
    other = own_bases.add(own_bases.examine("someone/unknown")).task
    assert listed is not None
    assert other is not None
    assert {task.id for task in own_bases.unfinished()} == {listed.id, other.id}
    assert [task.id for task in own_bases.unfinished(catalog=False)] == [other.id]
    for task in (listed, other):
        with UnitOfWork() as uow:
            store.move(uow, task.id, "failed", error={"message": "No network."})
            uow.commit()
    assert [task.id for task in own_bases.unfinished()] == [other.id]  # the catalog's is shown where it is offered


def test_a_base_in_the_data_directory_that_was_added_by_its_path_is_removed_completely(gguf: Path) -> None:
    new = own_bases.add(own_bases.examine(str(gguf), "tiny"))
    assert new.task is not None
    execute(new.task.id, "test:1")
    path = bases_directory() / "tiny"
    added.add(path)
    own_bases.remove(new.id)
    assert not path.exists()
    assert own_bases.list_own() == []


def test_a_base_that_a_job_trains_on_is_not_removed(model: Path) -> None:
    new = own_bases.add(own_bases.examine(str(model)))
    job = jobs.create(
        name="Mine", dataset_id=runs.dataset().id, base_model=new.id, method="lora", draft_key=None, training={}
    )
    with pytest.raises(Conflict, match="“Mine” is training on my-model"):
        own_bases.remove(new.id)
    jobs.request(job.id, "cancel")
    own_bases.remove(new.id)
    assert own_bases.list_own() == []


def test_archived_models_do_not_keep_a_base_and_are_counted(model: Path, tmp_path: Path) -> None:
    new = own_bases.add(own_bases.examine(str(model)))
    job = jobs.create(
        name="Mine", dataset_id=runs.dataset().id, base_model=new.id, method="lora", draft_key=None, training={}
    )
    tuned = runs.succeed(job, tmp_path / "tuned")
    with pytest.raises(Conflict, match="“Mine” cannot answer without my-model"):
        own_bases.remove(new.id)
    models.archive([tuned.id])
    (base,) = own_bases.list_own()
    assert own_bases.archived_on(base) == 1
    assert own_bases.remove(str(model)).id == new.id  # by its path


def test_only_what_was_added_here_is_removed() -> None:
    with pytest.raises(NotFound, match="was not added here"):
        own_bases.remove("starter")


def test_on_the_command_line_a_path_may_be_relative(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(model.parent)
    assert main(["base", "add", "my-model"]) == 0
    base_id = capsys.readouterr().out.strip()
    assert base_id == f"local:{model}"
    assert main(["base", "add", "none-such"]) == 1
    assert "no file or directory" in capsys.readouterr().err
    assert main(["base", "remove", base_id]) == 0
    assert "Its files are still in" in capsys.readouterr().err
