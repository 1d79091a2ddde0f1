"""The bell: how many notices are new, the newest ones with their links, and who has read them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event
from streamlit.testing.v1 import AppTest

from core.platform.db.engine import get_engine
from core.platform.db.uow import UnitOfWork
from core.services.platform import notices
from pages.ui import bell, person

SCRIPT = "from pages.ui import app\napp.announcements()"


def tell(title: str = "“Support” finished", kind: str = "job_ended", **values: str) -> None:
    with UnitOfWork() as uow:
        notices.send(uow, kind, title, values.pop("text", ""), values.pop("link", ""), **values)
        uow.commit()


@pytest.fixture
def queries(studio_env: object) -> Callable[[], int]:
    count = [0]

    def seen(*_: object) -> None:
        count[0] += 1

    event.listen(get_engine(), "before_cursor_execute", seen)
    return lambda: count[0]


def test_a_poll_without_news_costs_one_query(queries: Callable[[], int]) -> None:
    tell()
    app = AppTest.from_string(SCRIPT).run()
    before = queries()
    app.run()
    assert queries() - before == 1


def test_each_reader_has_a_mark(studio_env: object, monkeypatch: pytest.MonkeyPatch) -> None:
    tell()
    tell("of Ada", person="Ada")
    tell("of Grace", person="Grace")
    assert notices.unread("browser:1") == 3
    assert notices.unread("Ada", person="Ada") == 2
    newest = notices.newest(limit=1)[0].id
    assert notices.mark_read("Ada", newest) == 0
    assert notices.mark_read("Ada", 1) == newest
    assert (notices.unread("Ada", person="Ada"), notices.unread("Grace", person="Grace")) == (0, 2)
    assert notices.unread("browser:1") == 3
    monkeypatch.setattr(person, "name", lambda: "Ada")
    assert bell.reader() == "Ada"


def test_links_lead_to_screens_that_exist(studio_env: object) -> None:
    assert bell.target_of("job?id=job_1") == ("job", {"id": "job_1"})
    assert bell.target_of("https://example.com/") is None
    assert bell.target_of("") is None


@pytest.mark.parametrize("link", ["", "jobs"])
def test_outside_text_is_shown_verbatim(studio_env: object, link: str) -> None:
    tell("“**bold** [a](http://evil.example)” $x$", text="![p](http://evil.example)", link=link)
    shown = AppTest.from_string(
        "from pages.ui import bell, navigation\nnavigation.register_pages()\nbell._list()"
    ).run()
    assert not shown.exception
    texts = [item.value for item in (*shown.markdown, *shown.caption)]
    texts += [item.proto.label for item in shown.get("page_link")]
    assert not any("](http" in text for text in texts), texts
