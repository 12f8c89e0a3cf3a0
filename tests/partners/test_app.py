"""How the service is started: whole, or the picture alone."""

from partners.app import chosen, compose, compose_picture
from partners.subscriptions import PICTURE

MIGRATIONS = "partners.migrations"


def test_the_picture_may_run_alone():
    assert chosen(["serve"]) == (["serve"], compose)
    assert chosen(["serve", "--only", "picture"]) == (["serve"], compose_picture)
    assert chosen(["serve", "--only", "gate"]) == (["serve", "--only", "gate"], compose)


def test_alone_it_hears_and_promises_nothing_else(works):
    service = compose_picture(works.settings)

    assert service.hears == (PICTURE,)
    assert not service.outside
