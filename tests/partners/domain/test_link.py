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


def test_it_follows_what_its_house_says_and_what_a_person_linked_stays():
    theirs, other = uuid4(), uuid4()
    followed = stored(stored(a_link()).follow(theirs, at=NOW))

    assert (followed.status, followed.person_id, followed.by_house) == (Status.LINKED, theirs, True)
    moved = stored(followed.follow(other, at=NOW))
    assert moved.person_id == other
    parted = moved.part(at=NOW)
    assert (parted.status, parted.person_id, parted.by_house) == (Status.UNLINKED, OURS, False)
    linked = stored(stored(a_link()).link(theirs, at=NOW))
    assert linked.follow(other, at=NOW) is linked
    assert linked.part(at=NOW) is linked


def test_what_is_told_of_it_names_the_person_made_for_it():
    followed = stored(stored(a_link()).follow(uuid4(), at=NOW))

    (fact,) = followed.follow(uuid4(), at=NOW).news

    assert fact.previous_person_id == OURS


def test_by_which_reference_he_goes_is_kept_once():
    renamed = stored(stored(a_link()).rename("b" * 26, at=NOW))

    assert renamed.goes_by == "b" * 26
    assert renamed.rename("b" * 26, at=NOW) is renamed
    assert stored(renamed.rename(REF, at=NOW)).goes_by == ""
