"""The headers that tell a browser what a page of this server may do, and who may frame it.

Nothing runs or styles a page but files of this server; nothing is fetched from elsewhere; HTML and
scripts are made of text in one place only, `web/js/dom/final-html.js`, which holds the one policy
of the Trusted Types named here.
"""

from aiohttp import web

from engine.config import Config
from handlers.keys import SECURITY_HEADERS

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; worker-src 'self'; font-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors {ancestors};"
    " require-trusted-types-for 'script'; trusted-types footnote"
)
_FRAME_OPTIONS = {"'none'": "DENY", "'self'": "SAMEORIGIN"}
_A_YEAR_S = 31_536_000
_PRODUCT = "Footnote"
"""What the server calls itself: what it is made of, and of which age, only helps an attacker."""


def security_headers(config: Config) -> dict[str, str]:
    """Return the headers of every answer, whatever it is."""
    ancestors = config.frame_ancestors or "'none'"
    headers = {
        "Content-Security-Policy": _POLICY.format(ancestors=ancestors),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "Server": _PRODUCT,
        "X-Content-Type-Options": "nosniff",
    }
    if ancestors in _FRAME_OPTIONS:  # the older header knows no list of sites
        headers["X-Frame-Options"] = _FRAME_OPTIONS[ancestors]
    if config.is_https:
        headers["Strict-Transport-Security"] = f"max-age={_A_YEAR_S}"
    return headers


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on a response before it is sent."""
    response.headers.update(request.app[SECURITY_HEADERS])
