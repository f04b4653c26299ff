"""Key sets as a project publishes them, and the private halves that sign."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey


def public_jwk(key: PrivateKey, kid: str, **members: Any) -> dict[str, Any]:
    """The public half as Supabase publishes it."""
    if isinstance(key, RSAPrivateKey):
        made, algorithm = RSAAlgorithm.to_jwk(key.public_key()), "RS256"
    elif isinstance(key, EllipticCurvePrivateKey):
        made, algorithm = ECAlgorithm.to_jwk(key.public_key()), "ES256"
    else:
        made, algorithm = OKPAlgorithm.to_jwk(key.public_key()), "EdDSA"
    named = {"kid": kid, "use": "sig", "alg": algorithm, "key_ops": ["verify"], "ext": True}
    return {**json.loads(made), **named, **members}


def published(keys: Mapping[str, PrivateKey]) -> bytes:
    """The body of an endpoint that publishes these keys by their ids."""
    return json.dumps({"keys": [public_jwk(key, kid) for kid, key in keys.items()]}).encode()
