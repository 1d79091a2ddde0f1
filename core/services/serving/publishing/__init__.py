"""Publishing: a model on a target, as a background task that ends with a smoke test; and its retirement."""

from __future__ import annotations

from core.services.serving.publishing import there as there
from core.services.serving.publishing.actions import (
    KIND,
    EngineChoice,
    begin,
    choose_engine,
    engine_choice,
    forget,
    last_failure,
    retire,
    running,
)
from core.services.serving.publishing.offers import TargetChoice, connection_id, kind_of, published, targets
from core.services.serving.publishing.run import run
from core.serving.deployments import LLAMA_CPP, STUDIO, DeploymentRecord, SmokeAnswer, SmokeTest
