"""Why Redis refuses us: its own words, and the remedy that fits them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_CHARS = 300
_PLACES = r"\S+:\d+\b|valid for '[^']*'"


@dataclass(frozen=True, slots=True)
class RedisRefusal:
    says: str  #: Redis' own words in one line, without the password
    remedy: str


#: The first that is found in the error's class and text decides; the more special one stands first.
_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"NOAUTH|Authentication required|HELLO must be called with the client already authenticated",
        "It wants a password, and REDIS_URL has none. Write redis://user:password@host, or redis://:password@host.",
    ),
    (
        r"without any password configured|AUTH.*no password is set",
        "It has no password, and REDIS_URL has one. Set one there (requirepass), or remove it from REDIS_URL.",
    ),
    (
        r"wrong number of arguments for 'auth'|AuthenticationWrongNumberOfArgs",
        "Before version 6 it knows no users. Write redis://:password@host, or use Redis 7.0 or newer.",
    ),
    (
        r"WRONGPASS|invalid username-password|invalid password|AuthenticationError",
        "Correct the user and the password in REDIS_URL; a password without a user is written redis://:password@host.",
    ),
    (
        r"NOPERM|NoPermission|no permission",
        "Give its account the rights of ops/redis/accounts.sh for this process.",
    ),
    (r"protected mode", "Give that Redis a password, or let it listen where only we can reach it."),
    (
        r"READONLY|ReadOnly|MASTERDOWN|NOREPLICAS",
        "Name the primary server in REDIS_URL, or mend its replication.",
    ),
    (
        r"OOM|OutOfMemory",
        "Its memory is full. Raise maxmemory; with noeviction it takes no writes until then.",
    ),
    (
        r"MISCONF",
        "It cannot save to its disk and takes no writes. Free the disk, or correct its dir and rights.",
    ),
    (r"LOADING|BusyLoading", "Wait: it loads its data after a start, and is tried again."),
    (r"BUSY ", "A script runs too long there. Wait, or end it with SCRIPT KILL."),
    (
        r"max (daily|monthly)? ?requests? (limit|size)|(bandwidth|quota) (limit )?exceeded",
        "It serves no more within its plan. Raise the plan, or use a Redis of your own.",
    ),
    (
        r"unknown command|unknown subcommand",
        "It lacks a command that we need. Use Redis 7.0 or newer in which no command is renamed or switched off.",
    ),
    (
        r"max number of clients|Too many connections|MaxConnections",
        "It has as many clients as it allows. Raise maxclients or the plan, or run fewer processes.",
    ),
    (
        r"MOVED|ASK |CLUSTERDOWN|CROSSSLOT|cluster|Moved",
        "It is a Redis Cluster, which cannot carry the queue. Name a Redis without cluster mode in REDIS_URL.",
    ),
    (
        r"DB index is out of range|invalid DB index",
        "Correct the number at the end of REDIS_URL; many services have only /0.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|Hostname mismatch|self.signed",
        (
            "Its certificate cannot be verified. Let REDIS_CA_FILE name the file of its authority, and use the "
            "certificate's host name; ?ssl_cert_reqs=none encrypts without verifying."
        ),
    ),
    (
        r"NO_CERTIFICATE_OR_CRL_FOUND|PEM lib|NO_START_LINE|KEY_VALUES_MISMATCH|BAD_DECRYPT",
        (
            "A file for its TLS holds no certificate that can be read, or a key that does not belong to it. Correct "
            "REDIS_CA_FILE, and ?ssl_certfile= and ?ssl_keyfile= in REDIS_URL."
        ),
    ),
    (
        r"WRONG_VERSION_NUMBER|wrong version number|record layer failure|RECORD_LAYER|UNEXPECTED_EOF",
        "It does not speak TLS at this port. Write redis://, or correct the port.",
    ),
    (
        r"SSL|TLS",
        "Its TLS does not agree with ours. See its log; a client certificate is ?ssl_certfile= and ?ssl_keyfile=.",
    ),
    (
        r"Protocol Error|InvalidResponse",
        "What answers there is no Redis. Correct host and port in REDIS_URL.",
    ),
    (
        r"Too many open files",
        "This process may open no more files. Raise its limit (ulimit -n).",
    ),
    (
        r"Connection closed by server|Connection reset|Broken pipe",
        "It ended the connection. If it wants TLS, write rediss://; else see its log.",
    ),
    (
        r"Name or service not known|nodename nor servname|name resolution|getaddrinfo|No address associated",
        "The host's name is not known here. Correct the host in REDIS_URL, or the DNS of this machine.",
    ),
    (
        r"Timeout|timed out",
        (
            "It does not answer. Start it, correct host and port in REDIS_URL, or open the firewall; if it has no TLS at this "
            "port, write redis://."
        ),
    ),
    (
        r"refused|unreachable|No route|Cannot assign requested address",
        "Start it, or correct host and port in REDIS_URL. Nothing is lost: the sweep enqueues the waiting batches.",
    ),
)


def redis_refusal(error: BaseException, password: str | None) -> RedisRefusal:
    """What Redis said and what helps. Never raises; quotes no password."""
    text = str(error)
    says = _in_a_line(text.replace(password, "***") if password else text) or type(error).__name__
    # Without the host's name: redis-cluster.example refuses for other reasons, too. With the password, which may be
    # a word of the sentence.
    searched = f"{type(error).__name__} {re.sub(_PLACES, '', _in_a_line(text))}"
    for pattern, remedy in _KNOWN:
        if re.search(pattern, searched, re.IGNORECASE):
            return RedisRefusal(says, remedy)
    return RedisRefusal(says, "See the log of Redis for this time.")


def _in_a_line(text: str) -> str:
    line = " ".join(text.split())[:_MOST_CHARS]
    return re.sub(r"^Error (-?\d+ )?connecting to (\S+:\d+)\. ", r"\2: ", line).rstrip(".")
