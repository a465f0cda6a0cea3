"""What the processes of a stack import, but for modules that start threads; what is forked off shares it."""

from __future__ import annotations

import gc
import importlib

MODULES = (
    "aiokafka",
    "cassandra.cluster",
    "eventlog.kafka_log",
    "fastapi",
    "jwt",
    "prometheus_client",
    "stores.cassandra.assembly",
    "tests.faults.entry",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "wiring.distributed",
    "wiring.stack",
)

for module in MODULES:
    importlib.import_module(module)
# Nobody looks through it again: its pages stay shared.
gc.freeze()
