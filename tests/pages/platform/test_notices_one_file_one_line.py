"""A new service for notices, or kind of notice, is one record: a dummy appears in the form, the API and the help."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.platform.db.uow import UnitOfWork
from core.platform.notices.kinds import NOTICE_KINDS, NoticeKind
from core.platform.notices.services import NOTICE_SERVICES, NoticeService
from core.services.platform import notices
from tests.support.registry import registered
from tests.support.screens import open_page, words

ROWS = (
    (
        "a kind of notice",
        "core/platform/notices/kinds.py",
        "core/platform/notices/kinds.py: NOTICE_KINDS.add(...)",
    ),
    (
        "a service for notices",
        "core/platform/notices/services.py",
        "core/platform/notices/services.py: NOTICE_SERVICES.add(...)",
    ),
)
PIGEON = NoticeService(
    "pigeon", "Pigeon post", "egg", "custom_json:NotifyJSON", ("json",), "json://loft.example.com", "Ask the keeper."
)
RAIN = NoticeKind("rain", "It rains", "rainy", "info")


def test_a_new_service_and_kind_appear_in_the_form_and_receive(studio_env: object) -> None:
    with registered(NOTICE_SERVICES, PIGEON), registered(NOTICE_KINDS, RAIN):
        target = notices.save(name="Loft", service="pigeon", address="json://127.0.0.1:9/x", kinds=["rain"])
        with UnitOfWork() as uow:
            notices.send(uow, "rain", "It rains")
            uow.commit()
        assert notices.newest()[0].about is RAIN
        shown = words(open_page("pages/platform/settings.py"))
        assert "Pigeon post" in shown
        assert "it rains" in shown
        script = "from pages.platform._settings import notice_form\nnotice_form._form(None)"
        form = AppTest.from_string(script).run()
        assert "Pigeon post" in form.selectbox[0].options
        assert "It rains" in [option.content for option in form.get("button_group")[-1].proto.options]
    assert target.kinds == ("rain",)
