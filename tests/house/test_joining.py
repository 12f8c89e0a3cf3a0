"""A small charity joins the bus of another house, as docs/joining.md tells its operator: step by step, by command."""

import json
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from house import nodes
from house.buses import missing_for_kafka
from tests.house.running import RunningHouse, command_line, start

pytestmark = [pytest.mark.wire, pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def machines():
    """The data folders of two machines."""
    if missing := missing_for_kafka():
        pytest.skip(missing)
    made = Path(tempfile.mkdtemp(prefix="tc-join-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def until_heard(house: RunningHouse, node: str, *arguments: str, within: float = 60) -> None:
    until, said = time.monotonic() + within, None
    while time.monotonic() < until:
        said = house.say("node", "status", "--json", *arguments)
        assert said.code == 0, said.err
        if any(each["node_id"] == node and each["state"] == "ACTIVE" for each in said.facts["nodes"]):
            return
        time.sleep(0.5)
    raise AssertionError(said and said.out)


def test_a_charity_joins_an_existing_bus_in_four_steps_and_its_secrets_stay_with_it(machines):
    lead = start(machines / "lead", "--bus", "kafka")
    joined = None
    try:
        # One: keys, on its own machine, and a card in which nothing is secret.
        file = machines / "women.env"
        file.write_text((nodes.FOLDER / "women-in-prison.env").read_text())
        data = machines / "women"
        made = command_line(data, "node", "keys", str(file))
        assert made.code == 0, made.err
        card = machines / "node.json"
        exported = command_line(data, "node", "export", "--address", "127.0.0.1:50700")
        assert exported.code == 0, exported.err
        card.write_text(exported.out)
        assert "PRIVATE" not in exported.out
        assert len(json.loads(exported.out)["requests"]) == 4

        # Two: the lead registers it, and answers with a welcome that the charity installs.
        welcome = machines / "welcome.json"
        registered = lead.say("node", "register", str(card), "--welcome", str(welcome))
        assert registered.code == 0, registered.err
        assert welcome.stat().st_mode & 0o777 == 0o600
        assert "PRIVATE" not in welcome.read_text()
        assert lead.say("topics", "check").code == 0
        installed = command_line(data, "node", "join", str(welcome))
        assert installed.code == 0, installed.err
        lines = [line.strip() for line in installed.out.splitlines() if line.startswith("  ")]
        file.write_text(
            "\n".join(line for line in file.read_text().splitlines() if "BUS_SERVERS" not in line)
            + "\n" + "\n".join(lines) + "\n"
        )  # fmt: skip

        # Four: it starts, and each hears the other (three, the agreement, is between people).
        joined = start(data, "--nodes", str(file), "--rpc-port", "50700")
        until_heard(joined, "together")
        until_heard(lead, "women-in-prison")
        assert (rest := joined.quiet()).code == 0, rest.out
        assert rest.facts["bus"]["answers"] is True
        audit = joined.say("doctor", "--audit", "--json").facts
        assert audit["clean"], audit["findings"]
        # Its operator reads what is its own, and is let see nothing of what others may.
        assert joined.say("topics", "check").code == 1

        # A year later: new certificates for the keys that are there.
        before = (data / "certs" / "women-in-prison.partners.pem").read_text()
        assert command_line(data, "node", "keys", str(file)).code == 0
        card.write_text(command_line(data, "node", "export").out)
        again = lead.say("node", "register", str(card), "--welcome", str(machines / "again.json"))
        assert again.code == 0, again.err
        assert command_line(data, "node", "join", str(machines / "again.json")).code == 0
        assert (data / "certs" / "women-in-prison.partners.pem").read_text() != before
    finally:
        if joined is not None:
            joined.stop()
        lead.stop()


def test_a_card_that_asks_for_anothers_name_is_not_signed(machines):
    from chassis import certificates

    lead = start(machines / "lead", "--bus", "kafka")
    try:
        data = machines / "women"
        command_line(data, "node", "keys", "women-in-prison")
        said = json.loads(command_line(data, "node", "export", "--address", "127.0.0.1:50701").out)
        said["requests"].append(certificates.ask(machines, "together", "operator"))
        card = machines / "forged.json"
        card.write_text(json.dumps(said))
        refused = lead.say("node", "register", str(card), "--welcome", str(machines / "welcome.json"))
        assert refused.code == 1
        assert "together:operator" in refused.err
        assert not (machines / "welcome.json").exists()
        assert lead.say("node", "status", "--json").facts["nodes"] == []
    finally:
        lead.stop()
