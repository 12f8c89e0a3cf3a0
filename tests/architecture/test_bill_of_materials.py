"""X23: every package that an image holds is named with its version and its licence."""

from functools import cache

import pytest

from tests.architecture.bill_of_materials import bill, licence, normal, pinned

# Only used where the machine asks for it: not installed everywhere, and in no image of ours.
ELSEWHERE = {"colorama"}
# Licences under which we may hand an image on; a new one is a decision, not a surprise.
FREE = ("MIT", "BSD", "Apache", "PSF", "Python", "ISC", "MPL", "Mozilla", "Unlicense", "LGPL", "Zope", "0BSD", "CC0")


@cache
def components():
    return {normal(each["name"]): each for each in bill()["components"]}


def test_every_pinned_package_is_listed_with_its_version():
    assert set(pinned()) - set(components()) <= ELSEWHERE
    assert {name: each["version"] for name, each in components().items()}.items() <= pinned().items()


def test_every_package_has_a_licence_under_which_it_may_be_handed_on():
    unknown = {name: licence(each) for name, each in components().items() if not any(f in licence(each) for f in FREE)}
    assert unknown == {}


@pytest.mark.parametrize("word", ["GPL-3.0-only", "Proprietary", ""])
def test_a_licence_that_binds_others_would_be_noticed(word):
    assert not any(free in word for free in FREE)
