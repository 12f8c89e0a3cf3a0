"""A user of another house is believed for one minute, for one house, under his own node's key."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.access import Actor, Purpose, Role
from chassis.aggregate import Denied
from chassis.rpc.assertion import asserted, assertion
from chassis.shares import Sender, Signer

AT = datetime(2026, 11, 27, 10, tzinfo=UTC)
WHO = Actor(id="staff-pw-1", role=Role.PW, organisation="women-in-prison", purpose=Purpose.HANDOFF)
OURS = Signer(Ed25519PrivateKey.generate())
BELIEVED = Sender(keys=((OURS.key_id, OURS.public_key, None),))


def a_token(actor: Actor = WHO, *, node: str = "women-in-prison", to: str = "together", at: datetime = AT) -> str:
    return assertion(actor, OURS, node=node, to=to, at=at)


def read(token: str, *, sender: Sender = BELIEVED, to: str = "together", at: datetime = AT) -> Actor:
    return asserted(token, sender, node="women-in-prison", to=to, at=at)


def test_a_user_is_who_his_house_says_he_is() -> None:
    assert read(a_token()) == WHO


@pytest.mark.parametrize("late", [timedelta(seconds=-5), timedelta(0), timedelta(seconds=59)])
def test_it_holds_for_a_minute(late: timedelta) -> None:
    assert read(a_token(), at=AT + late) == WHO


@pytest.mark.parametrize("late", [timedelta(seconds=-6), timedelta(seconds=60), timedelta(hours=1)])
def test_it_holds_no_earlier_and_no_longer(late: timedelta) -> None:
    with pytest.raises(Denied):
        read(a_token(), at=AT + late)


def test_it_is_for_one_house_and_from_the_one_that_calls() -> None:
    with pytest.raises(Denied):
        read(a_token(to="north-london-nhs"))
    with pytest.raises(Denied):
        read(a_token(node="sig-penrose"))


def test_a_key_of_another_node_or_one_that_was_given_up_does_not_count() -> None:
    other = Signer(Ed25519PrivateKey.generate())
    with pytest.raises(Denied):
        read(a_token(), sender=Sender(keys=((other.key_id, other.public_key, None),)))
    with pytest.raises(Denied):
        read(a_token(), sender=Sender(keys=((OURS.key_id, OURS.public_key, AT - timedelta(seconds=1)),)))


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_without_a_signature_or_with_changed_words_is_refused() -> None:
    header, claims, signature = a_token().split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    for forged in (
        f"{_part({'alg': 'none'})}.{claims}.",
        f"{header}.{_part({**told, 'role': 'SM'})}.{signature}",
        f"{header}.{claims}.",
        "x",
        "",
    ):
        with pytest.raises(Denied):
            read(forged)


@pytest.mark.parametrize("role", [Role.SYSTEM, Role.ADAPTER])
def test_nobody_comes_as_the_house_itself(role: Role) -> None:
    with pytest.raises(Denied):
        read(a_token(replace(WHO, role=role)))
