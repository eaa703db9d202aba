"""What the application and a request carry."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from engine import Engine
from engine.flows.identity import Grant
from engine.storage.identities import User
from handlers.client import Proxies
from handlers.connections import Doorkeeper
from handlers.rates import Rates

ENGINE = web.AppKey("engine", Engine)
DOORKEEPER = web.AppKey("doorkeeper", Doorkeeper)
PROXIES = web.AppKey("proxies", Proxies)
RATES = web.AppKey("rates", Rates)
SECURITY_HEADERS = web.AppKey("security_headers", Mapping[str, str])
ROUTE_TABLE = web.AppKey("route_table", tuple[Any, ...])
STOPPING = web.AppKey("stopping", asyncio.Event)

USER = web.RequestKey("user", User)
CHECKED = web.RequestKey("checked", int)
UNTIL = web.RequestKey("until", float)
GRANT = web.RequestKey("grant", Grant)
REQUEST_ID = web.RequestKey("request_id", str)
CLIENT = web.RequestKey("client", str)
