from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from runtime.jwks import MAX_KEYS, FetchOutcome, KeySetUnavailable, read_key_set
from tests.support.published_keys import public_jwk, published

CURVE = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EDWARDS = ed25519.Ed25519PrivateKey.generate()


def body(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


def problem(answer: bytes) -> str:
    with pytest.raises(KeySetUnavailable) as unavailable:
        read_key_set(answer)
    assert unavailable.value.outcome is FetchOutcome.UNUSABLE
    return str(unavailable.value)


def test_each_key_is_bound_to_the_algorithm_of_its_type() -> None:
    keys = read_key_set(published({"curve": CURVE, "rsa": RSA, "edwards": EDWARDS}))

    assert {kid: key.algorithm_name for kid, key in keys.items()} == {
        "curve": "ES256",
        "rsa": "RS256",
        "edwards": "EdDSA",
    }


def test_a_key_without_use_algorithm_and_operations_is_usable() -> None:
    bare = public_jwk(CURVE, "bare")
    for name in ("use", "alg", "key_ops", "ext"):
        del bare[name]

    assert list(read_key_set(body(bare))) == ["bare"]


def test_of_a_published_private_key_only_the_public_half_is_kept() -> None:
    private = json.loads(RSAAlgorithm.to_jwk(RSA)) | {"kid": "leaked", "key_ops": ["verify"]}
    key = read_key_set(body(private))["leaked"].key

    assert isinstance(key, rsa.RSAPublicKey)


SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)
UNUSABLE = {
    "symmetric": {"kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "HS256"},
    "symmetric with a public algorithm": {"kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "ES256"},
    "an algorithm of another type": public_jwk(CURVE, "a", alg="HS256"),
    "RSA that says it is none": public_jwk(RSA, "a", alg="none"),
    "RSA with another hash": public_jwk(RSA, "a", alg="RS512"),
    "for encryption": public_jwk(RSA, "a", use="enc"),
    "operations without verify": public_jwk(RSA, "a", key_ops=["encrypt"]),
    "operations that are no list": public_jwk(RSA, "a", key_ops="verify"),
    "another curve": {**public_jwk(CURVE, "a"), "crv": "P-384"},
    "a point off the curve": {**public_jwk(CURVE, "a"), "x": "AAAA"},
    "a curve that is a list": {**public_jwk(CURVE, "a"), "crv": ["P-256"]},
    "a short RSA key": public_jwk(SHORT, "a"),
    "an RSA key without a modulus": {**public_jwk(RSA, "a"), "n": None},
    "a modulus of 30,000 bits": {**public_jwk(RSA, "a"), "n": "_" * 5000},
    "a modulus that is no base64": {**public_jwk(RSA, "a"), "n": "\ud800"},
    "no id": {**public_jwk(CURVE, "a"), "kid": None},
    "an id that is a number": {**public_jwk(CURVE, "a"), "kid": 1},
    "an unknown type": {"kty": "LATTICE", "kid": "a"},
    "a type that is a list": {"kty": ["RSA"], "kid": "a"},
    "no object": "key",
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_key_that_cannot_verify_is_passed_over(name: str) -> None:
    good = public_jwk(CURVE, "good")

    assert list(read_key_set(body(UNUSABLE[name], good))) == ["good"]
    assert "none of the 1 keys" in problem(body(UNUSABLE[name]))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<!doctype html><title>Welcome</title>", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b'{"keys":' * 10_000, "not JSON"),
        (b"9" * 50_000, "not JSON"),
        (b"[]", "not a key set"),
        (b"null", "not a key set"),
        (b"NaN", "not a key set"),
        (b'{"keys": {}}', "not a key set"),
        (b'{"error": "not found"}', "not a key set"),
        (b'{"keys": []}', "none of the 0 keys"),
        (body(*[{}] * (MAX_KEYS + 1)), "more than"),
    ],
)
def test_an_answer_without_a_usable_key_is_told_in_a_sentence(answer: bytes, says: str) -> None:
    assert says in problem(answer)


TEXT = st.text("aA_-=0 \x00س\ud800", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
MEMBERS = ["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "d", "k"]


@given(
    st.dictionaries(st.sampled_from(MEMBERS), JSON),
    st.sampled_from([public_jwk(CURVE, "a"), public_jwk(RSA, "a"), public_jwk(EDWARDS, "a"), {}]),
)
def test_whatever_a_key_is_made_of_it_is_usable_or_passed_over(
    changes: dict[str, Any], jwk: dict[str, Any]
) -> None:
    keys = read_key_set(body({**jwk, **changes}, public_jwk(CURVE, "good")))

    assert keys["good"].algorithm_name == "ES256"
    for key in keys.values():
        assert key.algorithm_name in {"ES256", "RS256", "EdDSA"}
        assert isinstance(key, jwt.PyJWK)


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_published_there_are_usable_keys_or_a_sentence(answer: bytes) -> None:
    try:
        keys = read_key_set(answer)
    except KeySetUnavailable as unavailable:
        says = str(unavailable)
    else:
        says = f"{len(keys)} keys"
    assert says not in {"", "0 keys"}
