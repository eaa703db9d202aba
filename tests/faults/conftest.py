"""The servers and the scripted model of the handlers' tests, for faults of every kind."""

from tests.handlers.conftest import data, model, modelled, prepared, site

__all__ = ["data", "model", "modelled", "prepared", "site"]
