"""What the application and a request carry."""

import asyncio

from aiohttp import web

from engine import Engine
from engine.storage.identities import User
from handlers.connections import Doorkeeper

ENGINE = web.AppKey("engine", Engine)
DOORKEEPER = web.AppKey("doorkeeper", Doorkeeper)
STOPPING = web.AppKey("stopping", asyncio.Event)

USER = web.RequestKey("user", User)
SECRET = web.RequestKey("secret", str)
REQUEST_ID = web.RequestKey("request_id", str)
