"""Addresses of targets are secrets: private files, never in the database, a log, a screen or an answer of the API."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from core.errors import Conflict, ProviderKeyMissing, SettingsError
from core.platform.db.uow import UnitOfWork
from core.services.platform import notices
from core.services.platform.notices import addresses, delivery
from core.services.platform.notices.addresses import MailServer
from tests.support.screens import open_page, words
from worker import run

SECRET = "Zz9-s3cret-t0ken"
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


def everything(folder: Path) -> bytes:
    """All files of the data directory but the private ones."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "keys"]
    return b"".join(path.read_bytes() for path in files)


def test_a_secret_is_only_in_its_private_file(studio_env: Path, caplog: pytest.LogCaptureFixture) -> None:
    address = f"http://user:{SECRET}@127.0.0.1:9/{SECRET}?token={SECRET}"
    target = notices.save(name="Hook", service="webhook", address=address)
    mail = MailServer("127.0.0.1", ["a@example.com"], "b@example.com", "none", 9, "user", SECRET)
    notices.save(name="Mail", service="mail", mail=mail)
    with UnitOfWork() as uow:
        notices.send(uow, "job_ended", "finished")
        uow.commit()
    delivery.dispatch()
    for task in delivery.store.find(kind="notice"):
        run.execute(task.id, "w")
    assert not notices.test(target.id).ok
    files = list((studio_env / "keys").iterdir())
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600, 0o600]
    assert all(SECRET in path.read_text() for path in files)
    assert SECRET.encode() not in everything(studio_env)
    assert SECRET not in caplog.text
    assert SECRET not in repr(notices.list_targets())
    assert SECRET not in words(open_page("pages/platform/settings.py"))


def test_an_address_is_entered_again_when_it_changes_and_kept_otherwise(studio_env: Path) -> None:
    target = notices.save(name="Hook", service="webhook", address="http://127.0.0.1:9/a")
    (before,) = (studio_env / "keys").iterdir()
    notices.save(id=target.id, name="Other", kinds=["job_failed"])
    assert [path.name for path in (studio_env / "keys").iterdir()] == [before.name]
    notices.save(id=target.id, name="Other", address="http://127.0.0.1:9/b")
    (after,) = (studio_env / "keys").iterdir()
    assert after.name != before.name
    with pytest.raises(SettingsError, match="missing"):
        notices.save(name="None", service="webhook")


def test_only_variables_for_notices_are_read(studio_env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "json://127.0.0.1:9/")
    monkeypatch.setenv("SFT_NOTICE_OPS", "http://127.0.0.1:9/x")
    with pytest.raises(SettingsError, match="not for addresses"):
        notices.save(name="No", service="webhook", address_env="OPENAI_API_KEY")
    target = notices.save(name="Yes", service="webhook", address_env="SFT_NOTICE_OPS")
    assert (target.address_env, target.shown) == ("SFT_NOTICE_OPS", "")
    monkeypatch.delenv("SFT_NOTICE_OPS")
    with pytest.raises(ProviderKeyMissing, match="SFT_NOTICE_OPS"):
        notices.save(name="Gone", service="webhook", address_env="SFT_NOTICE_OPS")


@pytest.mark.parametrize(
    ("service", "address"),
    [
        ("webhook", "http://169.254.169.254/latest"),
        ("webhook", "http://[fd00:ec2::254]/"),
        ("webhook", "http://2852039166/"),
        ("mail", "mailto://example.com?smtp=169.254.169.254&to=a@example.com"),
        ("slack", f"{SLACK}?template=/etc/passwd"),
        ("mail", "mailtos://u:p@example.com?pgpkey=/etc/passwd"),
        ("webhook", "http://127.0.0.1/?attach=file:///etc/passwd"),
        ("webhook", "http://127.0.0.1:port/"),
        ("webhook", "http://127.0.0.1/\nX: y"),
        ("webhook", ""),
        ("webhook", "http://" + "a" * 5_000),
    ],
)
def test_an_address_that_is_forbidden_or_reads_files_is_refused(service: str, address: str) -> None:
    with pytest.raises(SettingsError) as refused:
        addresses.checked(notices.NOTICE_SERVICES.get(service), address)
    assert refused.value.field == "address"


@pytest.mark.parametrize(
    ("service", "address"),
    [("webhook", "syslog://"), ("mail", "dbus://"), ("slack", "https://example.com/services/T/B/X")],
)
def test_an_address_of_another_service_is_refused(service: str, address: str) -> None:
    with pytest.raises(SettingsError, match="This is not an address of"):
        addresses.checked(notices.NOTICE_SERVICES.get(service), address)


def test_an_address_that_people_copy_from_a_service_is_accepted() -> None:
    assert addresses.checked(notices.NOTICE_SERVICES.get("slack"), SLACK) == (SLACK, "")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"host": "a/b"}, "host"),
        ({"to": ["nobody"]}, "to"),
        ({"sender": "a b@example.com"}, "sender"),
        ({"port": -1}, "port"),
    ],
)
def test_a_part_of_a_mailbox_that_is_wrong_is_named(change: dict[str, object], field: str) -> None:
    parts = {"host": "smtp.example.com", "to": ["a@example.com"], "sender": "b@example.com", **change}
    with pytest.raises(SettingsError) as refused:
        MailServer(**parts).address()  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_name_is_taken_once_and_kinds_are_known(studio_env: Path) -> None:
    notices.save(name="Hook", service="webhook", address="http://127.0.0.1:9/a")
    with pytest.raises(Conflict, match="already called"):
        notices.save(name="Hook", service="webhook", address="http://127.0.0.1:9/a")
    assert len(list((studio_env / "keys").iterdir())) == 1
    with pytest.raises(SettingsError, match="Unknown kind"):
        notices.save(name="Hook 2", service="webhook", address="http://127.0.0.1:9/a", kinds=["rain"])
