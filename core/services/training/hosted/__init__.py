"""Jobs at hosted services: which bases they train, what is sent, and how far a job is there."""

from __future__ import annotations

from core.services.training.hosted.bases import Bases, bases_of, host_of, training_connections
from core.services.training.hosted.records import Checkpoint, HostedFacts
from core.services.training.hosted.runs import HostedRunRecord, begin, change, facts_of, newest
from core.training.providers.hosted import HostedBase, Hyperparameter
