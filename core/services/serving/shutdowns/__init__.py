"""The calendar of shutdowns: which models go dark when, who uses them, and what to do before.

dates      the dates: announced ones, those of live lists, and what people entered
usage      which models are used here
watching   the daily look at live lists, and the notices before a date
"""

from core.services.serving.shutdowns.dates import (
    ShutdownRecord as ShutdownRecord,
    calendar as calendar,
    of_model as of_model,
    remove as remove,
    save as save,
)
from core.services.serving.shutdowns.usage import Use as Use
from core.services.serving.shutdowns.watching import look_now as look_now, record_answers as record_answers
