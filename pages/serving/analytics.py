"""Analytics: how models are used, what training took and brought, and what the data does not cover."""

from __future__ import annotations

from pages.serving._analytics import gaps, training, use
from pages.ui import addressed, components, guard
from pages.ui.errors import boundary

guard.require()

LEAD = "How models and agents are used, what training took and brought, and what people ask that the data lacks."
VIEWS = {"use": "Use", "training": "Training", "gaps": "Not in the data"}
PARTS = {"use": use.show, "training": training.show, "gaps": gaps.show}

with boundary():
    components.page_header("Analytics", LEAD, "Use")
    PARTS[addressed.switch("View", VIEWS, "view", "analytics_view")]()
