"""Where a request comes from: the client's address, through the proxies that are trusted."""

import ipaddress
from collections.abc import Sequence

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The proxies that stand before this server and may say for whom they ask."""

    def __init__(self, networks: Sequence[Network]) -> None:
        """Trust these addresses; none of them means that nobody is believed."""
        self._networks = tuple(networks)

    def trusts(self, address: str) -> bool:
        """Whether this is the address of one of the proxies."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._networks)

    def client_of(self, request: web.Request) -> str:
        """Return the address of who asks.

        X-Forwarded-For is read from its end: each trusted proxy vouches for the one before it, and
        what stands before the first stranger may be anything.
        """
        address = request.remote or ""
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        for hop in reversed(hops):
            if not self.trusts(address) or not _is_address(hop.strip()):
                break
            address = hop.strip()
        return address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
