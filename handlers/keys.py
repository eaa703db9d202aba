"""What the application and a request carry."""

import asyncio
from typing import Any

from aiohttp import web

from engine import Engine
from engine.storage.identities import User
from handlers.connections import Doorkeeper

ENGINE = web.AppKey("engine", Engine)
DOORKEEPER = web.AppKey("doorkeeper", Doorkeeper)
ROUTE_TABLE = web.AppKey("route_table", tuple[Any, ...])
STOPPING = web.AppKey("stopping", asyncio.Event)

USER = web.RequestKey("user", User)
SECRET = web.RequestKey("secret", str)
REQUEST_ID = web.RequestKey("request_id", str)
