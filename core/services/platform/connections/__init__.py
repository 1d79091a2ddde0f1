"""Connections to the language models that write examples: saved, tested, priced. A key never enters the database.

A key is either named (an environment variable of this server) or stored in a file of the data directory that only this
user can read. Whoever changes the address has to enter the key again: it was meant for the old one.
"""

from core.models.llm import ClientKind
from core.services.platform.connections.addresses import checked_url
from core.services.platform.connections.clients import base_models, endpoint_of, models, open_client, test, test_values
from core.services.platform.connections.records import ConnectionRecord, ConnectionTest
from core.services.platform.connections.store import (
    STUDIO,
    TRAINING_KIND,
    delete,
    find,
    get,
    kinds,
    list_connections,
    save,
    services,
)
from core.training.providers.hosted import HostedBase, HostedService
