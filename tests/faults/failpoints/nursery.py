"""The nursery whose daemons have failpoints: run as a program, see tests/processes/nursery.py."""

from __future__ import annotations

from importlib import import_module

from tests.faults.failpoints.modules import modules
from tests.faults.failpoints.rewriting import install

PROGRAM = "tests.faults.failpoints.nursery"

if __name__ == "__main__":
    install(modules())  # before anything imports the daemon
    import_module("tests.processes.nursery").serve()
