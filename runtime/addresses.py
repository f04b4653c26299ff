"""Addresses of servers, as an operator writes them: read once, strictly, into their parts.

Libraries read the same address in different ways: one decodes what another takes as it stands, and each ignores
other parts. So every library is given the parts that were read here, and what has no one meaning is refused.
No sentence quotes the address: where it is cut wrongly, any piece of it may be the password.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

#: What text from a page or a chat brings along unseen: a byte order mark, spaces without width, marks of direction.
_INVISIBLE = (
    "\ufeff\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
)
_QUOTES = ("''", '""', "``", "\u201c\u201d", "\u2018\u2019", "\u00ab\u00bb")
SEVERAL_HOSTS = "names several hosts; name one, for example the pooler or the proxy before them"
_MOST_CHARS = 4096
_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(:(?P<port>.*))?")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.\-]{0,252})")
_PORTS = range(1, 65536)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: What a dashboard or a template shows in the place of a secret: [YOUR-PASSWORD], <password>, ${VAR}, {{ var }}.
_PLACEHOLDER = re.compile(
    r"\[[A-Za-z][A-Za-z _\-]*\]|<[A-Za-z][A-Za-z _\-]*>|\$\{.*\}|\$\(.*\)|\{\{.*\}\}|"
    r"\*{3,}|\$[A-Z_]*PASS[A-Z_]*|(?i:your[_\-]?password)"
)
_PARAMETER_NAME = re.compile(r"[A-Za-z_]{1,40}")


class AddressError(ValueError):
    """Why an address is refused, as a sentence's part after "it"; it quotes nothing that could be a secret."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an address, decoded. A part that is absent or empty is None."""

    scheme: str
    user: str | None
    password: str | None
    host: str | None  #: a name, an address (IPv6 without brackets), or the folder of a socket file
    port: int | None
    path: str | None  #: without the slash at its beginning
    query: Mapping[str, str]


def unwrapped(text: str) -> str:
    """The value without what files, shells, pages and secret stores put around it: blanks, line ends, quotes, a BOM."""
    inner = text.strip().strip(_INVISIBLE)
    if len(inner) > 1 and inner[0] + inner[-1] in _QUOTES:
        inner = inner[1:-1]
    return inner if inner == text else unwrapped(inner)


def parts_of(text: str, *, schemes: Collection[str], like: str) -> Parts:
    """The parts of an address of one of the schemes. Raises AddressError. `like`: an example for the sentence."""
    text = unwrapped(text)
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise AddressError(
            "has a space or a line break within it; write the address alone, and a space of a password as %20"
        )
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in schemes or len(text) > _MOST_CHARS:
        raise AddressError(f"must be like {like}")
    if not text.isprintable():
        raise AddressError("has an invisible character within it; type that part again instead of pasting it")
    before_query, _, query = rest.partition("?")
    authority, _, path = before_query.partition("/")
    if "#" in text or "@" in path or "@" in query:
        raise AddressError(
            "has a /, ? or # in its user or password, or an @ after the host; "
            "write these as %2F, %3F, %23 and %40"
        )
    login, _, place = authority.rpartition("@")
    user, _, password = login.partition(":")
    host, port = _host_and_port(place)
    return Parts(
        scheme=scheme.lower(),
        user=_filled("user", _decoded("user", user)),
        password=_filled("password", _decoded("password", password)),
        host=host,
        port=port,
        path=_filled("path", _decoded("path", path.strip("/"))),
        query=_query(query),
    )


def require_web_address(url: str) -> str:
    """The URL, when HTTP clients can read it: they would raise errors of their own when they ask."""
    if not url.isprintable() or " " in url:
        raise AddressError("has a space or an invisible character within it")
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_complete = False
    if not is_complete:
        raise AddressError("has no host and port that can be read, like https://host.example:443")
    return url


def quoted(text: str) -> str:
    """The text with every reserved character percent-encoded."""
    return quote(text, safe="")


def login_and_place(user: str | None, password: str | None, host: str | None, port: int | None) -> str:
    """`user:password@host:port`, encoded so that every library reads the same."""
    place = f"[{host}]" if host is not None and ":" in host else host or ""
    if port is not None:
        place += f":{port}"
    if user is None and password is None:
        return place
    login = quoted(user or "") if password is None else f"{quoted(user or '')}:{quoted(password)}"
    return f"{login}@{place}"


def is_near(host: str | None) -> bool:
    """Whether this is our own machine, or a bare service name of a container's private network."""
    if host is None or host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host or host.endswith(".localhost")


def require_file(parameter: str, path: str) -> str:
    """The path, when it names a file that can be read. Raises AddressError; a path is no secret."""
    try:
        with Path(path).open("rb"):
            return path
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or "it is not a path"
        raise AddressError(f"names {path} as {parameter}, which cannot be read ({reason})") from err


def refuse_parameter(name: str, reasons: Mapping[str, str]) -> AddressError:
    """The refusal of a query parameter that we do not know; its name is quoted when it can only be a name."""
    if _PARAMETER_NAME.fullmatch(name) is None:
        return AddressError("has something after ? that is not like name=value&name=value")
    reason = reasons.get(name.lower(), "which is no parameter that we know; remove it")
    return AddressError(f"has the parameter {name}, {reason}")


def _host_and_port(place: str) -> tuple[str | None, int | None]:
    if "," in place or ";" in place:
        raise AddressError(SEVERAL_HOSTS)
    found = _HOST_AND_PORT.fullmatch(place)
    if found is None or (place.count(":") > 1 and not place.startswith("[")):
        raise AddressError("has more than one colon after the host; write an IPv6 address in brackets: [::1]")
    port = found["port"]
    if port and (re.fullmatch(r"[0-9]{1,5}", port) is None or int(port) not in _PORTS):
        raise AddressError("has a port that is not a number from 1 to 65535")
    return _host(found["host"]), int(port) if port else None


def _host(text: str) -> str | None:
    host = _filled("host", _decoded("host", text))
    if host is None or host.startswith("/"):
        return host
    if host.startswith("["):
        if "%" in host:
            raise AddressError(
                "has a zone (like %eth0) in its host, which not every library can read; remove it"
            )
        try:
            return str(IPv6Address(host[1:-1]))
        except ValueError as err:
            raise AddressError("has something in brackets as its host that is not an IPv6 address") from err
    if _HOST_NAME.fullmatch(host) is None:
        raise AddressError("has a host with a character that no host name has")
    return host.lower()


def _decoded(part: str, text: str) -> str:
    if _LONE_PERCENT.search(text):
        raise AddressError(f"has a % in its {part} that stands for itself; write it as %25")
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError as err:
        raise AddressError(f"has a {part} whose percent-encoded bytes are not UTF-8") from err
    if re.search(r"[\x00-\x1f\x7f]", decoded):
        raise AddressError(
            f"has a line break or another control character in its {part} (like %0A); remove it"
        )
    return decoded


def _filled(part: str, text: str) -> str | None:
    if _PLACEHOLDER.fullmatch(text):
        raise AddressError(
            f"has a placeholder as its {part}; replace it, with the brackets, by the real {part}"
        )
    return text or None


def _query(text: str) -> Mapping[str, str]:
    query: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        if _PARAMETER_NAME.fullmatch(name) is None:
            raise refuse_parameter(name, {})
        if name in query:
            raise AddressError(f"has the parameter {name} twice")
        query[name] = _decoded(f"parameter {name}", value)
    return query
