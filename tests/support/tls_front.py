"""TLS in front of a server that speaks none, with certificates that a test can renew."""

from __future__ import annotations

import datetime as dt
import ipaddress
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = dt.timedelta(days=1)
_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """A certificate authority of its own; `file` is its certificate, as clients are given it."""

    def __init__(self, folder: Path, name: str = "a test's authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        own = self._builder(self._name, self._key.public_key()).add_extension(constraints, critical=True)
        own = own.add_extension(_SIGNS_CERTIFICATES, critical=True)
        self.file = folder / f"{x509.random_serial_number()}-ca.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server_side(self) -> ssl.SSLContext:
        """A new key and certificate for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis")])
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = self._builder(name, key.public_key()).add_extension(here, critical=False)
        pem = serialization.Encoding.PEM
        file = self._folder / f"{x509.random_serial_number()}.pem"
        file.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + made.sign(self._key, hashes.SHA256()).public_bytes(pem)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        # Python 3.13 verifies strictly: without these it trusts no chain.
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        return builder.not_valid_before(now - _DAY).not_valid_after(now + _DAY)


class TlsFront:
    """Takes connections with TLS and passes them on without it."""

    def __init__(self, target_port: int, context: ssl.SSLContext) -> None:
        self._target_port = target_port
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @contextmanager
    def running(self) -> Iterator[TlsFront]:
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            _shut(self._listener)
            self._hang_up()

    def present(self, context: ssl.SSLContext) -> None:
        """Another certificate from now on; every connection is lost."""
        self._context = context
        self._hang_up()

    def _hang_up(self) -> None:
        for connection in self._open:
            _shut(connection)
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError, ValueError):
            plain.settimeout(10)
            client = self._context.wrap_socket(plain, server_side=True)
            server = socket.create_connection(("127.0.0.1", self._target_port))
            self._open += [client, server]
            with client, server:
                _pass_on(client, server)


def _pass_on(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Until one side hangs up."""
    other: dict[socket.socket, socket.socket] = {client: server, server: client}
    with selectors.DefaultSelector() as waiting:
        for side in other:
            waiting.register(side, selectors.EVENT_READ)
        while True:
            found = [key.fileobj for key, _ in waiting.select()] if not client.pending() else [client]
            for side in (each for each in found if isinstance(each, socket.socket)):
                data = side.recv(65_536)
                if not data:
                    return
                other[side].sendall(data)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    connection.close()
