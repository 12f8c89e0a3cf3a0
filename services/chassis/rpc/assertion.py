"""A user of one house before the door of another: a token signed with his node's key, for one house and one minute.

The certificate says which house calls; the token says for whom, in which role and to what purpose. It is believed
from the calling house alone, under a key that is registered of it.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from chassis.access import Actor, Purpose, Role
from chassis.aggregate import Denied

if TYPE_CHECKING:
    from datetime import datetime

    from chassis.shares import Sender, Signer

METADATA: Final = "user-assertion"
VALID: Final = timedelta(seconds=60)
_EARLY: Final = timedelta(seconds=5)  # clocks of two houses differ
_ALGORITHMS: Final = ["Ed25519"]


def _number(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def assertion(actor: Actor, signer: Signer, *, node: str, to: str, at: datetime) -> str:
    """The token by which `node` says to the house `to` that this actor asks."""
    secret = signer.private_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    key = OKPKey.import_key({
        "kty": "OKP", "crv": "Ed25519", "x": _number(signer.public_key), "d": _number(secret),
    })  # fmt: skip
    claims: dict[str, Any] = {
        "iss": node,
        "aud": to,
        "sub": actor.id,
        "role": actor.role.value,
        "organisation": actor.organisation,
        "purpose": actor.purpose.value,
        "iat": int(at.timestamp()),
        "exp": int((at + VALID).timestamp()),
    }
    return jwt.encode({"alg": "Ed25519", "kid": signer.key_id}, claims, key, algorithms=_ALGORITHMS)


def asserted(token: str, sender: Sender, *, node: str, to: str, at: datetime) -> Actor:
    """The actor for whom `node` asks. Raises Denied for a token that is not its, not for this house, not for now."""
    claims = _claims(token, sender, at=at)
    issued, expires = claims.get("iat"), claims.get("exp")
    if (claims.get("iss"), claims.get("aud")) != (node, to) or not isinstance(issued, int):
        raise _refused()
    moment = at.timestamp()
    if not isinstance(expires, int) or expires - issued > VALID.total_seconds():
        raise _refused()
    if not issued - _EARLY.total_seconds() <= moment < expires:
        raise _refused()
    try:
        role, purpose = Role(claims["role"]), Purpose(claims["purpose"])
    except (KeyError, ValueError):
        raise _refused() from None
    if role in {Role.SYSTEM, Role.ADAPTER}:
        raise _refused()
    return Actor(id=str(claims["sub"]), role=role, organisation=str(claims["organisation"]), purpose=purpose)


def _claims(token: str, sender: Sender, *, at: datetime) -> dict[str, Any]:
    """What it says, where one of the sender's keys has signed it."""
    for _, public_key, until in sender.keys:
        if until is not None and at > until:
            continue
        key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _number(public_key)})
        try:
            return dict(jwt.decode(token, key, algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError):
            continue
    raise _refused()


def _refused() -> Denied:
    return Denied("assertion_refused", "The house that asks does not say, in a way that holds here, for whom.")
