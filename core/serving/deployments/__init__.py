"""Where models are published: one row for each model and target, with the smoke test that followed."""

from __future__ import annotations

from core.serving.deployments.records import LLAMA_CPP, SERVICE, STUDIO, DeploymentRecord, SmokeAnswer, SmokeTest
from core.serving.deployments.store import deployments_of, engine_of, find, remove, save, set_engine
