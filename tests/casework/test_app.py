"""The parts of the service fit together."""

from casework.app import compose
from casework.domain.worker import TrainingTopic
from casework.storage.known import clocks, mandatory
from tests.casework.house import settings


def test_the_service_is_composed_of_its_parts(tmp_path):
    service = compose(settings(tmp_path, "postgresql://nowhere/none"))

    assert (service.name, service.migrations) == ("casework", "casework.migrations")
    assert set(service.deadlines.due_commands) == {"L3", "L4", "L12", "L18", "L21", "clearance", "proposals"}
    assert service.hears[0].topics("together") == ("together.partners.v1", "together.referral.v1")


async def test_lengths_of_promises_and_mandatory_training_are_settings(house):
    async with house.works.batch() as work:
        assert (clocks(work).worker_days, clocks(work).report_days) == (3, 5)
        assert mandatory(work) < frozenset(TrainingTopic)
