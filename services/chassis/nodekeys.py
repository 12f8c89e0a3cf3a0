"""The key with which a node signs what it tells to others: Ed25519, in a file readable by its owner alone.

Others know the public half, thirty-two bytes, by its digest. A key is rotated with an overlap: the next one lies in a
file of its own and is announced under the one in use; then it takes that one's place.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

if TYPE_CHECKING:
    from pathlib import Path


def key_id(public_key: bytes) -> str:
    """How a key is called: the digest of its thirty-two bytes."""
    return hashlib.sha256(public_key).hexdigest()


def make(path: Path) -> bytes:
    """A new key in this file, readable by its owner from the first moment; returns its public half.

    Raises FileExistsError where one is: a key that is lost is no rotation.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    return _public(key)


def load(path: Path) -> Ed25519PrivateKey:
    """The key in this file (PEM, PKCS 8)."""
    found = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(found, Ed25519PrivateKey):
        raise TypeError(f"{path.name} holds no Ed25519 key")
    return found


def public_key(path: Path) -> bytes:
    """The public half of the key in this file."""
    return _public(load(path))


def take_over(path: Path, following: Path) -> None:
    """The next key takes the place of the one in use, at once and whole; a process reads it at its next start."""
    load(following)
    following.replace(path)


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
