"""The key a node signs with: its owner's alone, never lost by accident, replaced at once and whole."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis import nodekeys
from chassis.certificates import Authority
from tests.chassis.test_rpc import TODAY


def test_a_key_is_made_for_its_owner_alone_and_known_by_its_public_half(tmp_path):
    made = nodekeys.make(tmp_path / "node.key")

    assert (tmp_path / "node.key").stat().st_mode & 0o777 == 0o600
    assert nodekeys.public_key(tmp_path / "node.key") == made
    assert len(made) == 32
    assert nodekeys.key_id(made) == nodekeys.key_id(nodekeys.public_key(tmp_path / "node.key"))
    signature = nodekeys.load(tmp_path / "node.key").sign(b"said")
    Ed25519PublicKey.from_public_bytes(made).verify(signature, b"said")


def test_a_key_that_is_there_is_never_made_anew(tmp_path):
    made = nodekeys.make(tmp_path / "node.key")

    with pytest.raises(FileExistsError):
        nodekeys.make(tmp_path / "node.key")
    assert nodekeys.public_key(tmp_path / "node.key") == made


def test_the_next_key_takes_the_place_of_the_one_in_use(tmp_path):
    nodekeys.make(tmp_path / "node.key")
    following = nodekeys.make(tmp_path / "node.next.key")

    nodekeys.take_over(tmp_path / "node.key", tmp_path / "node.next.key")

    assert nodekeys.public_key(tmp_path / "node.key") == following
    assert not (tmp_path / "node.next.key").exists()


def test_what_is_no_signing_key_takes_no_place(tmp_path):
    made = nodekeys.make(tmp_path / "node.key")
    other = Authority.make(tmp_path / "ca", "test", at=TODAY).folder / "ca.key"

    with pytest.raises(TypeError, match="no Ed25519 key"):
        nodekeys.take_over(tmp_path / "node.key", other)
    assert nodekeys.public_key(tmp_path / "node.key") == made
