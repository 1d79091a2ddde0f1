"""Fine-tuning jobs: choose, forecast, launch once, watch, act on them, run again with changes, archive and delete."""

from __future__ import annotations

from core.models.methods import title_of as method_title
from core.services.training.jobs.accuracy import forecast_and_measured, track_record
from core.services.training.jobs.alternatives import alternatives
from core.services.training.jobs.control import (
    also_helps,
    choices_of,
    events,
    remedies,
    request,
    schedule,
    started_over,
    sync,
)
from core.services.training.jobs.forecasting import calibrate, cost_range, forecast, rough_time, time_range
from core.services.training.jobs.hosted_choices import (
    checked_examples,
    estimate as estimate_hosted,
    suggest_name as suggest_hosted_name,
)
from core.services.training.jobs.launch import create
from core.services.training.jobs.lengths import refusals
from core.services.training.jobs.listing import LISTING, look_up, newest
from core.services.training.jobs.managing import archive, delete, dependents, rename, restore
from core.services.training.jobs.reader import NEWEST, count_jobs, find_job, get_job, list_jobs, names_of_measured
from core.services.training.jobs.records import Alternative, Comparison, Forecast, JobRecord, ServingPlace, TrackRecord
from core.services.training.jobs.spec_builder import MAX_NAME, SUGGESTED_NAME, catalog, suggest_name
from core.services.training.jobs.time_left import FirstTask, first_task
from core.training.forecast.memory import MemoryForecast
from core.training.jobs.remedies import SettingChange
