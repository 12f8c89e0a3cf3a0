from uuid import uuid4

import pytest

from chassis.aggregate import Invalid, Unmet
from partners.domain.link import Confirmed, Noted, Status, SubjectLink, Undone
from tests.partners.handoffs import NOW, OURS, stored

REF = "a" * 26


def a_link():
    return SubjectLink.note(
        uuid4(), sender_node="together", subject_ref=REF, own_org="women-in-prison", minted_id=OURS, at=NOW
    )


def test_a_new_reference_stands_for_a_person_of_its_own():
    link = a_link()

    assert (link.status, link.person_id, link.person) == (Status.NEW, OURS, OURS)
    assert isinstance(link.news[0], Noted)


def test_a_link_and_its_undoing_concern_whom_it_was_linked_to():
    known = uuid4()
    linked = stored(a_link()).link(known, at=NOW)
    undone = stored(linked).unlink(at=NOW)

    assert (linked.person, undone.person) == (known, known)
    assert isinstance(linked.news[0], Confirmed)
    assert isinstance(undone.news[0], Undone)
    assert (undone.status, undone.person_id) == (Status.UNLINKED, OURS)
    assert stored(undone).link(known, at=NOW).status is Status.LINKED


def test_it_is_linked_once_and_not_to_itself():
    with pytest.raises(Invalid):
        stored(a_link()).link(OURS, at=NOW)
    with pytest.raises(Unmet):
        stored(a_link()).unlink(at=NOW)
    linked = stored(stored(a_link()).link(uuid4(), at=NOW))
    with pytest.raises(Unmet):
        linked.link(uuid4(), at=NOW)
