"""Notices: what the studio tells people about, written as a row in the transaction of what happened.

kinds     what a notice can be about     outbox   writes and reads notices, and what each person has read
"""

from core.platform.notices.kinds import NOTICE_KINDS as NOTICE_KINDS, NoticeKind as NoticeKind
from core.platform.notices.outbox import NoticeRecord as NoticeRecord, send as send
