"""The compose file as an operator starts it, and each runbook's script on that house."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.timeout(400)
SERVICES = ("referral", "casework", "partners", "notifications")


def test_the_compose_file_gives_a_house_that_is_quiet_and_clean(compose):
    status = compose.facts("status", "--wait-quiet", "60")
    assert {name: each["parked"] for name, each in status["services"].items()} == dict.fromkeys(SERVICES, 0)
    assert compose.facts("doctor", "--audit")["clean"]
    assert "The bus is as the registry says for together" in compose.house("admit", "--check")


def test_prometheus_watches_every_service_by_rules_it_understands(compose):
    prometheus = compose.container("prometheus")
    said = compose.must("docker", "exec", prometheus, "promtool", "check", "rules", "/etc/prometheus/alerts.yml")
    assert "SUCCESS" in said


def test_relay_behind(compose):
    compose.must("docker", "stop", compose.container("casework"))
    compose.refer(10, 5)
    compose.runbook("relay-behind")


def test_postgres_lost(compose):
    compose.must("docker", "kill", compose.container("postgres"))
    compose.runbook("postgres-lost")


def test_broker_lost(compose):
    compose.must("docker", "kill", compose.container("kafka"))
    compose.refer(20, 5)
    compose.runbook("broker-lost")


def test_restore(compose):
    before = compose.facts("doctor", "--audit")["facts"]
    compose.house("run", "backup", "/backups/yesterday")
    compose.refer(30, 5)
    told = compose.runbook("restore", "yesterday")
    assert "records that this house no longer knows" in told
    # Five referrals are some thirty facts; the house itself may have told a thing or two since it started again.
    assert before <= compose.facts("doctor", "--audit")["facts"] < before + 10


def test_rotation(compose):
    own = compose.folder / "secrets" / "together" / "referral"
    named = ("certificate.pem", "bus.password", "database.url", "wrapping.key")
    before = {name: (own / name).read_bytes() for name in named}
    over = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        working = beside.submit(compose.refer_until, over, 1_000)
        try:
            told = compose.runbook("rotation")
        finally:
            over.set()
        assert working.result() > 1
    assert "persons were under another wrapping key" in told
    assert all((own / name).read_bytes() != before[name] for name in named)
    assert compose.audited()["clean"]


def test_upgrade_and_step_back(compose):
    for service in (*SERVICES, "house"):
        compose.must("docker", "tag", f"throughcare/{service}:local", f"throughcare/{service}:next")
    compose.runbook("upgrade", "next")
    image = compose.must("docker", "inspect", "--format", "{{.Config.Image}}", compose.container("referral"))
    assert image.strip() == "throughcare/referral:next"
    compose.refer(50, 2)
    compose.runbook("upgrade", "local")


def test_bus_replaced(compose):
    compose.replace_the_bus()
    compose.refer(60, 2)
    compose.house("up", "kafka")
    compose.runbook("bus-replaced")


def test_parked_message(compose):
    compose.runbook("parked-message")
    put = """
from confluent_kafka import Producer
from house.admission import client_of_environment
producer = Producer(client_of_environment())
producer.produce("together.referral.v1", key=b"nobody", value=b"not ours")
assert producer.flush(20) == 0
"""
    (compose.folder / "put.py").write_text(put)
    bus, secrets = f"{compose.project}-bus", compose.folder / "secrets"
    mounts = ("-v", f"{compose.folder / 'put.py'}:/app/services/put.py:ro", "-v", f"{secrets}/bus/admin:/run/admin:ro")
    told = {"SERVERS": "kafka:9092", "SECURITY": "SASL_SSL", "USERNAME": "admin"}
    told |= {"PASSWORD_FILE": "/run/admin/bus.password", "CA_FILE": "/run/admin/bus-ca.pem"}
    variables = [part for name, value in told.items() for part in ("-e", f"THROUGHCARE_BUS_{name}={value}")]
    compose.must("docker", "run", "--rm", "--network", bus, *mounts, *variables, "throughcare/house:local", "put")

    done = compose.run("deploy/runbooks/parked-message", "together")

    assert done.returncode == 1
    assert "These still wait for a person" in done.stdout
