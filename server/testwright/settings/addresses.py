"""Addresses of models: what one may look like, and whether it leads out of this machine."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_ADDRESS_LENGTH = 2048

_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL that was looked at.

    Attributes:
        url: As it is used: without a slash at its end.
        scheme: ``http`` or ``https``.
        host: Lower case, an IPv6 address without its brackets.
        port: Also where the URL names none.
    """

    url: str
    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there stays on this machine: ``localhost``, ``127.0.0.0/8``, ``::1``."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def destination(self) -> str:
        """Host and port as a person reads them: ``openrouter.ai``, ``localhost:11434``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def read_address(text: str) -> Address:
    """A base URL, read strictly.

    What two programs may read in two ways is refused, since one of them is asked whether a key may be sent and the
    other one sends it: letters beyond ASCII, backslashes, white space, names and passwords before the host, numbers
    for a host that are no written-out IPv4 address.

    Raises:
        ValueError: It is none; its words are a part of a sentence: ``has no host``.
    """
    if not text or len(text) > MAX_ADDRESS_LENGTH:
        raise ValueError("is empty" if not text else f"is longer than {MAX_ADDRESS_LENGTH} characters")
    if not (text.isascii() and text.isprintable()) or re.search(r"[\s\\]", text):
        raise ValueError("has white space, a backslash or a letter that is not ASCII")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError("has a host or a port that cannot be read") from error
    if parts.scheme not in ("http", "https"):
        raise ValueError("does not begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("has a name or a password before its host")
    if "?" in text or "#" in text:
        raise ValueError("has a question mark or a number sign")
    host = parts.hostname or ""
    if not _is_host(host):
        raise ValueError("has a host that cannot be read" if host else "has no host")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("has a port that cannot be read")
    usual = 443 if parts.scheme == "https" else 80
    return Address(text.rstrip("/"), parts.scheme, host, usual if port is None else port)


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return "%" not in host
    last = host.rstrip(".").rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):  # what looks like a number is taken for an IPv4 address by some
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return True
    return _HOST_NAME.fullmatch(host) is not None
