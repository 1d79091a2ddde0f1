"""The calendar of shutdowns: which models go dark when, who uses them, and what to do before.

dates      the dates: announced ones, those of live lists, and what people entered
usage      which models are used here
successor  the data and settings for another base model
watching   the daily look at live lists, and the notices before a date
"""

from core.services.serving.shutdowns.dates import (
    ShutdownRecord as ShutdownRecord,
    at as at,
    calendar as calendar,
    dated as dated,
    in_use as in_use,
    of_models as of_models,
    remove as remove,
    save as save,
)
from core.services.serving.shutdowns.successor import SuccessorStart as SuccessorStart, start_of as start_of
from core.services.serving.shutdowns.usage import Use as Use, host_of as host_of
from core.services.serving.shutdowns.watching import (
    look_now as look_now,
    record_answers as record_answers,
    recordable as recordable,
)
