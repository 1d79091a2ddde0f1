"""Notices: written with what happened, shown behind the bell, delivered to the targets that people set up.

inbox      the list behind the bell, and what each person has read
targets    where notices are delivered to; their addresses are secrets and never enter the database
addresses  checks an address, and what of it may be shown
delivery   the background task of a target, and the test of one
"""

from core.platform.notices.kinds import NOTICE_KINDS as NOTICE_KINDS
from core.platform.notices.outbox import NoticeRecord as NoticeRecord, link_to as link_to, send as send
from core.platform.notices.services import MAIL as MAIL, NOTICE_SERVICES as NOTICE_SERVICES
from core.services.platform.notices.addresses import MailServer as MailServer
from core.services.platform.notices.delivery import TargetTest as TargetTest, test as test, test_values as test_values
from core.services.platform.notices.inbox import mark_read as mark_read, newest as newest, unread as unread
from core.services.platform.notices.targets import (
    TargetRecord as TargetRecord,
    delete as delete,
    get as get,
    list_targets as list_targets,
    save as save,
    set_enabled as set_enabled,
)
