"""Wiring and command line: serve | ingest | draft | pipeline | token | user."""

import argparse
import asyncio
import fcntl
import logging
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from engine import Engine, open_engine
from engine.clock import warn_when_held_up
from engine.command_line import (
    ask,
    draft,
    export,
    ingest,
    manage_user,
    pipeline,
    print_token,
    search,
)
from engine.config import BadConfig, Config
from engine.errors import AppError
from engine.export.manuscript import FILE_TYPES
from engine.flows.export import ExportRequest
from engine.flows.sample import make_sample
from engine.storage.database import StorageRefused
from handlers.access import guarded
from handlers.client import Proxies
from handlers.connections import Doorkeeper
from handlers.keys import (
    DOORKEEPER,
    ENGINE,
    PROXIES,
    RATES,
    ROUTE_TABLE,
    SECURITY_HEADERS,
    STOPPING,
)
from handlers.middleware import add_headers, errors
from handlers.rates import Rate, Rates
from handlers.routes import ROUTES
from handlers.security import security_headers
from handlers.versions import VERSION, static_path, tell_version, version_of

_ROOT = Path(__file__).resolve().parent

_SWITCH_INTERVAL_S = 0.0005
"""How long a busy event loop keeps the database's thread waiting; by default ten times as long."""


def build_app(config: Config) -> web.Application:
    """Return the application; its engine opens when it starts and closes when it is cleaned up."""
    headers = security_headers(config)
    doorkeeper = Doorkeeper(
        most=config.max_connections,
        first_request_s=config.header_timeout_s,
        rest_s=config.idle_timeout_s,
        headers=headers,
    )
    app = web.Application(middlewares=[doorkeeper.admit, errors])
    app[DOORKEEPER] = doorkeeper
    app[SECURITY_HEADERS] = headers
    app[PROXIES] = Proxies(config.proxies)
    app[RATES] = Rates(
        {
            Rate.COSTLY: config.costly_per_minute,
            Rate.UPLOAD: config.uploads_per_minute,
            Rate.TYPING: config.typing_per_minute,
            Rate.SIGN_IN: config.sign_in_per_minute,
        }
    )
    app[STOPPING] = asyncio.Event()
    app[ROUTE_TABLE] = ROUTES
    app[VERSION] = version_of(_ROOT / place for place in ("web", "templates"))
    for route in ROUTES:
        app.router.add_route(route.method, route.path, guarded(route))
    app.router.add_static(static_path(app[VERSION]), _ROOT / "web")
    pages = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(_ROOT / "templates"),
        autoescape=True,
        enable_async=False,
    )
    pages.globals |= {"version": app[VERSION], "static": static_path(app[VERSION])}
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(tell_version)
    app.on_shutdown.append(_end_streams)

    async def engine_context(app: web.Application) -> AsyncIterator[None]:
        async with open_engine(config, owns_data=True) as engine:
            app[ENGINE] = engine
            await _first_start(engine)
            watch = asyncio.create_task(warn_when_held_up(engine.metrics.late), name="watch")
            yield
            watch.cancel()

    app.cleanup_ctx.append(engine_context)
    return app


async def _end_streams(app: web.Application) -> None:
    app[STOPPING].set()
    app[ENGINE].runs.wake_readers()


async def _first_start(engine: Engine) -> None:
    user, is_new = await engine.identity.administrator()
    if is_new and engine.config.sample:
        await make_sample(engine.database, engine.files, engine.library, engine.runs, user)


async def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    app = build_app(config)
    async with listening(app, config) as address:
        base = config.public_url.rstrip("/") or address
        print(address, flush=True)
        link = await app[ENGINE].identity.new_link()
        print(f"Sign in once with this link: {base}/login?link={link}", flush=True)
        await stop.wait()


@asynccontextmanager
async def listening(app: web.Application, config: Config) -> AsyncIterator[str]:
    """Answer requests for as long as the context lasts; give the address."""
    runner = make_runner(app, config)
    await runner.setup()
    try:
        assert runner.server is not None
        tls = _tls(config)
        listener = await app[DOORKEEPER].listen(runner.server, config.host, config.port, tls)
        with closing(listener):
            yield _address(listener, "https" if tls else "http")
    finally:
        await runner.cleanup()


def make_runner(app: web.Application, config: Config) -> web.AppRunner:
    """Return what runs the application, with the times that aiohttp itself keeps."""
    return web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=config.shutdown_s / 2,  # spent twice when a reader takes nothing
    )


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls_certificate, config.tls_key, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BadConfig(
            f"The certificate {config.tls_certificate} cannot be used with the key"
            f" {config.tls_key}: {error}"
        ) from error
    return context


def _no_password() -> str:
    raise ValueError("a key that needs a password cannot be used")


def _address(listener: asyncio.Server, scheme: str) -> str:
    host, port = listener.sockets[0].getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@contextmanager
def _only_server(config: Config) -> Iterator[None]:
    """Hold the data folder: two servers on one would end each other's runs."""
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (config.data / "server.lock").open("w")
    except OSError as error:
        raise StorageRefused(
            f"The data folder {config.data} cannot be used: {error.strerror}. "
            "Check that it is a folder and that it can be written."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StorageRefused(
                f"Another Footnote server uses the data folder {config.data}. Stop it first."
            ) from error
        yield


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    given = {name: getattr(options, name, None) for name in ("data", "host", "port")}
    try:
        config = Config.from_env(**given)
        set_up_logging(config.log_level)
        with suppress(KeyboardInterrupt):
            return _run(options, config)
    except (AppError, OSError) as error:
        print(f"footnote: {error}", file=sys.stderr)
        return 1
    return 130


def set_up_logging(level: str) -> None:
    """Log to standard error; libraries only warn, for in detail they tell secrets and documents."""
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("footnote").setLevel(level)


def _run(options: argparse.Namespace, config: Config) -> int:
    match options.command:
        case "serve":
            with _only_server(config):
                asyncio.run(serve(config))
            return 0
        case "token":
            asyncio.run(print_token(config))
            return 0
        case "user":
            action = manage_user(config, options.action, options.name, is_admin=options.admin)
            asyncio.run(action)
            return 0
        case "ingest":
            return asyncio.run(ingest(config, options.kb, options.paths))
        case "ask":
            return asyncio.run(ask(config, options.question, options.kb))
        case "search":
            return asyncio.run(search(config, options.query, options.limit))
        case "pipeline":
            result = pipeline(config, options.file, options.type, options.questions)
            return asyncio.run(result)
        case "export":
            wanted = ExportRequest(
                format=options.format, citation_style=options.style, template=options.template
            )
            return asyncio.run(export(config, options.draft, wanted, options.output))
        case _:
            return asyncio.run(draft(config, options.kb, options.type, options.context))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="server.py", description="Cited drafts from your own documents."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve_ = _command(commands, "serve", "start the server")
    serve_.add_argument("--host", help="address to listen on")
    serve_.add_argument("--port", type=int, help="port to listen on; 0 takes a free one")
    _command(commands, "token", "print a bearer token of the local administrator")
    user_ = _command(commands, "user", "add, disable or enable somebody, or set a password")
    user_.add_argument("action", choices=["add", "disable", "enable", "password"])
    user_.add_argument("name")
    user_.add_argument("--admin", action="store_true", help="add an administrator")
    ingest_ = _command(commands, "ingest", "put documents into a knowledge base")
    ingest_.add_argument("--kb", required=True, metavar="NAME", help="made if it does not exist")
    ingest_.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders")
    draft_ = _command(commands, "draft", "write a draft to the terminal")
    draft_.add_argument("--kb", required=True, metavar="NAME")
    draft_.add_argument("--type", default="custom", help="document type, such as rfp_response")
    draft_.add_argument("context", help="what the draft is for")
    export_ = _command(commands, "export", "write a draft to a file")
    export_.add_argument("--format", choices=FILE_TYPES, default="docx")
    export_.add_argument("--style", choices=("footnotes", "references"), default="footnotes")
    export_.add_argument("--template", metavar="NAME", help="a Word file of DATA/templates")
    export_.add_argument("--output", type=Path, metavar="FILE")
    export_.add_argument("draft", metavar="DRAFT", help="its id, as in the address of its page")
    ask_ = _command(commands, "ask", "answer one question from the documents")
    ask_.add_argument("--kb", metavar="NAME", help="where to look; everywhere by default")
    ask_.add_argument("question")
    search_ = _command(commands, "search", "find passages in all knowledge bases and sum them up")
    search_.add_argument(
        "--limit", type=int, default=10, choices=range(1, 51), metavar="N", help="1 to 50"
    )
    search_.add_argument("query")
    pipeline_ = _command(commands, "pipeline", "make a question set or a summary of notes")
    pipeline_.add_argument("--type", default="SUMMARY", help="MCQ, NMCQ or SUMMARY")
    pipeline_.add_argument(
        "--questions", type=int, default=5, choices=range(1, 21), metavar="N", help="1 to 20"
    )
    pipeline_.add_argument("file", type=Path, metavar="FILE", help="a text file with the notes")
    return parser


def _command(commands: Any, name: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=description, description=description
    )
    parser.add_argument("--data", type=Path, help="folder that holds everything the server keeps")
    return parser


if __name__ == "__main__":
    sys.exit(main())
