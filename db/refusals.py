"""Why Postgres, or a pooler before it, refuses us: its own words, and the remedy that fits them.

Before a login has succeeded, a server's error arrives as text without its SQLSTATE, so the text decides. An
unknown text is passed on with a general remedy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from psycopg.errors import (
    InsufficientPrivilege,
    InvalidSchemaName,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedTable,
)

from runtime.database_address import DatabaseAddress

_MOST_CHARS = 300


class Cause(StrEnum):
    """What is wrong, as it stands in the log."""

    AWAY = "away"
    NAME = "host_name"
    NETWORK = "network"
    TIMEOUT = "timeout"
    LOGIN = "login"
    NO_DATABASE = "no_database"
    NOT_ALLOWED = "not_allowed"
    TLS_REQUIRED = "tls_required"
    NO_TLS = "no_tls"
    CERTIFICATE = "certificate"
    FULL = "full"  #: no connection is free for us
    POOLER = "pooler"  #: it pools transactions, and we speak to it as to a session
    TENANT = "tenant"
    STARTING = "starting"
    READ_ONLY = "read_only"
    OTHER = "other"


#: These pass without anybody's help, so they are tried again soon.
PASSING = frozenset({Cause.AWAY, Cause.TIMEOUT, Cause.FULL, Cause.STARTING, Cause.OTHER})

POOLER_REMEDY = "A pooler that pools transactions is at this address. Set DATABASE_SESSION_MODE=false."
READ_ONLY_REMEDY = (
    "Name the primary server in DATABASE_URL, or end the read-only mode there: a managed database is read-only while "
    "its disk is nearly full."
)


@dataclass(frozen=True, slots=True)
class PostgresRefusal:
    cause: Cause
    says: str  #: the server's own words in one line, without the password
    remedy: str


#: What an operator changed while we run: rights were taken away, or migrations went on or back. Postgres' sentence
#: about it names tables and columns, and quotes no row.
_UNFIT: Mapping[type[Exception], str] = {
    InsufficientPrivilege: "As the owner, give the account what docs/web-app.md, section 1, gives an account.",
    **dict.fromkeys(
        (InvalidSchemaName, UndefinedColumn, UndefinedFunction, UndefinedTable),
        "Run `alembic upgrade head` of the version that runs here.",
    ),
}

_NO_CONNECTION_IS_FREE = (
    r"MaxClientsInSessionMode|max client(s| connections) reached|query_wait_timeout|EMAXCONN|max_client_conn|"
    r"no more connections allowed|too many connections|too many clients|connection slots are reserved|"
    r"too_many_connections"
)

#: The first that is found in the text decides; the more special one stands first.
_KNOWN: tuple[tuple[str, Cause, str], ...] = (
    (
        _NO_CONNECTION_IS_FREE,
        Cause.FULL,
        (
            "All connections that this account or server allows are in use. Raise the limit (ALTER ROLE ... CONNECTION "
            "LIMIT, max_connections, the pooler's pool size), or lower DATABASE_POOL_SIZE or the number of processes."
        ),
    ),
    (
        (
            r"unsupported startup parameter|prepared statement .* (already exists|does not exist)|"
            r"bind message supplies|options.* not supported|startup parameter.* not allowed"
        ),
        Cause.POOLER,
        POOLER_REMEDY,
    ),
    (
        (
            r"tenant or user not found|ENOTFOUND|tenant.* not found|no tenant identifier|endpoint ID is not specified|"
            r"external_id"
        ),
        Cause.TENANT,
        (
            "The pooler does not know the project. Correct the host and the user of DATABASE_URL: a shared pooler wants "
            "the user with the project's name, like postgres.PROJECT."
        ),
    ),
    (
        (
            r"password authentication failed|authentication failed|SASL|no password supplied|password is empty|"
            r"wrong password|auth_query|ECIRCUITBREAKER|authentication errors"
        ),
        Cause.LOGIN,
        "Correct the user and the password in DATABASE_URL; reserved characters of a password are percent-encoded there.",
    ),
    (
        r'role "[^"]*" does not exist|is not permitted to log in|no such user',
        Cause.LOGIN,
        "Correct the user in DATABASE_URL, or create the role with LOGIN.",
    ),
    (
        r"channel binding",
        Cause.LOGIN,
        "The server or the pooler before it cannot bind the login to TLS. Remove channel_binding from DATABASE_URL.",
    ),
    (
        r'database "[^"]*" does not exist|no such database',
        Cause.NO_DATABASE,
        "Correct the name of the database at the end of DATABASE_URL, or create it.",
    ),
    (
        r"permission denied for database|does not have CONNECT privilege",
        Cause.NOT_ALLOWED,
        "As the owner: GRANT CONNECT ON DATABASE ... TO the role in DATABASE_URL.",
    ),
    (
        (
            r"no pg_hba\.conf entry.*no encryption|no encryption|SSL connection is required|requires? SSL|SSL/TLS required|"
            r"connection is insecure"
        ),
        Cause.TLS_REQUIRED,
        "The server wants TLS. Add sslmode=verify-full to DATABASE_URL, or sslmode=require to encrypt without verifying.",
    ),
    (
        (
            r"no pg_hba\.conf entry|pg_hba\.conf rejects|not in tenant allow_list|allow_list|ident authentication|"
            r"peer authentication"
        ),
        Cause.NOT_ALLOWED,
        (
            "The server's rules (pg_hba.conf, network restrictions) do not let this account in from this address. "
            "Add a rule for it."
        ),
    ),
    (
        r"not currently accepting connections",
        Cause.NOT_ALLOWED,
        "As the owner: ALTER DATABASE ... ALLOW_CONNECTIONS true.",
    ),
    (
        r"(time|data transfer|storage) quota|endpoint is disabled|project.*(is paused|is suspended)",
        Cause.TENANT,
        "The service that hosts the database has stopped it. See its page for your plan and its limits.",
    ),
    (
        r"server does not support SSL|SSL was required",
        Cause.NO_TLS,
        "The server has no TLS. Switch it on there, or add sslmode=disable to DATABASE_URL to send all in plain text.",
    ),
    (
        r"private key|weak sslmode|SSL support is not compiled",
        Cause.CERTIFICATE,
        (
            "The files of DATABASE_URL for TLS do not go together. sslkey must belong to sslcert, have no passphrase, and be "
            "readable by this account alone (chmod 600)."
        ),
    ),
    (
        (
            r"certificate verify failed|root certificate file|certificate.*(not match|does not|unknown|expired)|"
            r"does not match host name|self.signed|SSL error|tlsv1 alert|unable to get local issuer"
        ),
        Cause.CERTIFICATE,
        (
            "The server's certificate cannot be verified. Let DATABASE_CA_FILE name the file of its authority (Supabase: "
            "project settings, SSL), and use the host name of the certificate; sslmode=require encrypts without verifying."
        ),
    ),
    (
        (
            r"starting up|shutting down|recovery mode|not yet accepting connections|not accepting commands|server_login_retry|"
            r"server login failed|pooler.*(restart|start)|client_login_timeout|EDBHANDLEREXITED|administrator command"
        ),
        Cause.STARTING,
        "Wait: it is tried again. If this lasts, see the log of Postgres.",
    ),
    (
        (
            r"failed to resolve host|could not translate host name|Name or service not known|"
            r"nodename nor servname|Temporary failure in name resolution"
        ),
        Cause.NAME,
        "The host's name is not known here. Correct the host in DATABASE_URL, or the DNS of this machine.",
    ),
    (
        r"Network is unreachable|No route to host|Cannot assign requested address|address family not supported",
        Cause.NETWORK,
        (
            "No network leads there. A host with IPv6 alone needs IPv6 here; Supabase's poolers have IPv4. "
            "Else correct the host in DATABASE_URL, or the firewall."
        ),
    ),
    (
        r"idle-(in-transaction|session) timeout",
        Cause.AWAY,
        "The server ended a connection that rested: a limit of its own (SHOW idle_session_timeout) is too short for us.",
    ),
    (
        r"timeout expired|timed out|connection timeout",
        Cause.TIMEOUT,
        (
            "It does not answer. Start it, correct host and port in DATABASE_URL, or open the firewall; "
            "DATABASE_CONNECT_TIMEOUT_S is how long it may take."
        ),
    ),
    (
        (
            r"invalid response to SSL|expected (authentication request|password response)|unsupported frontend protocol|"
            r"got message type"
        ),
        Cause.AWAY,
        "What answers there is no Postgres. Correct host and port in DATABASE_URL.",
    ),
    (
        r"Too many open files",
        Cause.FULL,
        "This process may open no more files. Raise its limit (ulimit -n), or lower DATABASE_POOL_SIZE.",
    ),
    (
        # A server that answers FATAL is there, whichever file it misses.
        (
            r"Connection refused|SSL SYSCALL error|^(?!.*FATAL).*No such file or directory|server closed the connection|"
            r"connection reset|connection is closed"
        ),
        Cause.AWAY,
        "Start it, or correct host and port in DATABASE_URL.",
    ),
    (
        r"session is read-only|is not in hot standby|server is in hot standby|read-only",
        Cause.READ_ONLY,
        READ_ONLY_REMEDY,
    ),
)


def refusal_of(error: BaseException, address: DatabaseAddress) -> PostgresRefusal:
    """What the server said and what helps. Never raises; quotes no password."""
    text = str(error)
    says = _in_a_line(text.replace(address.password, "***") if address.password else text)
    # The password is still in it: to replace one like "server" would hide the cause.
    searched = _in_a_line(text)
    for pattern, cause, remedy in _KNOWN:
        if re.search(pattern, searched, re.IGNORECASE):
            return PostgresRefusal(cause, says, remedy)
    return PostgresRefusal(
        Cause.OTHER, says, "See the log of Postgres, or of the pooler before it, for this time."
    )


def unfit(error: BaseException) -> dict[str, str]:
    """What the log says of an error by our tables or our rights: `says` and `remedy`; empty for any other error."""
    cause = getattr(error, "orig", None)
    remedy = next((helps for kind, helps in _UNFIT.items() if isinstance(cause, kind)), None)
    return {} if remedy is None else {"says": str(cause).partition("\n")[0], "remedy": remedy}


def is_full(error: BaseException) -> bool:
    """Whether it says that no further connection is free for us."""
    return re.search(_NO_CONNECTION_IS_FREE, str(error), re.IGNORECASE) is not None


def _in_a_line(text: str) -> str:
    """The end of a message says the most: the beginning repeats the address."""
    line = " ".join(text.split())
    line = re.sub(r"^.*connection to server (at|on) .*? failed: (?!.*connection to server)", "", line)
    line = re.sub(r" Is the server running (locally|on that host).*$", "", line)
    return line[-_MOST_CHARS:].strip().rstrip(".") or "it gives no reason"
