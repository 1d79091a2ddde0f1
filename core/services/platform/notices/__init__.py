"""Notices: written with what happened, shown behind the bell."""

from core.platform.notices.kinds import NOTICE_KINDS as NOTICE_KINDS
from core.platform.notices.outbox import NoticeRecord as NoticeRecord, link_to as link_to, send as send
