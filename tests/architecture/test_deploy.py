"""What operators are given is what the code says: settings, metrics, who calls whom, and how a pod is locked."""

import importlib
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from chassis.settings import PREFIX
from chassis.telemetry.metrics import REGISTRY
from tests.architecture.declared import hears, known_events
from tests.architecture.source import OF_THE_CARD, ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
ALERTS = yaml.safe_load((DEPLOY / "observability" / "alerts.yml").read_text())["groups"][0]["rules"]
OVERLAYS = sorted(path.name for path in (DEPLOY / "kubernetes" / "overlay").iterdir())
OURS = {name: each for name, each in COMPOSE.items() if each["image"].startswith("throughcare/")}


@cache
def rendered(overlay):
    tool = Path(sys.executable).parent / "kubectl"
    command = [tool, "kustomize", DEPLOY / "kubernetes" / "overlay" / overlay]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of_kind(overlay, kind):
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] == kind}


def pods(overlay):
    found = {**of_kind(overlay, "Deployment"), **of_kind(overlay, "Job")}
    return {name: each["spec"]["template"]["spec"] for name, each in found.items()}


def settings_of_everybody():
    kinds = [importlib.import_module(f"{service}.settings").Settings for service in OF_THE_CARD]
    return {f"{PREFIX}{name.upper()}" for kind in kinds for name in kind.model_fields}


def unknown(variables):
    known = settings_of_everybody()
    secrets = {f"{PREFIX}DATABASE_URL_FILE", f"{PREFIX}BUS_PASSWORD_FILE"}
    return {each for each in variables if each.startswith(PREFIX)} - known - secrets


@pytest.mark.parametrize("name", sorted(OURS))
def test_compose_tells_our_containers_settings_that_exist(name):
    assert unknown(OURS[name].get("environment", {})) == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_cluster_tells_our_pods_settings_that_exist(overlay):
    assert unknown(of_kind(overlay, "ConfigMap")["settings"]["data"]) == set()


@pytest.mark.parametrize("name", sorted(COMPOSE))
def test_every_container_is_locked(name):
    said = COMPOSE[name]
    assert said["read_only"] is True
    assert said["cap_drop"] == ["ALL"]
    assert said["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "devices"} & set(said)


def test_no_service_is_given_the_secrets_of_another():
    for service in OF_THE_CARD:
        mounted = [volume for volume in COMPOSE[service]["volumes"] if "SECRETS" in volume]
        assert len(mounted) == 1
        assert mounted[0].split(":/run")[0].endswith(f"/{service}")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_keeps_to_the_restricted_profile(overlay):
    assert pods(overlay)
    for name, spec in pods(overlay).items():
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
    namespace = next(iter(of_kind(overlay, "Namespace").values()))
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_has_its_probes_its_migrations_and_a_disruption_budget(overlay):
    for service in OF_THE_CARD:
        container = pods(overlay)[f"{service}-service"]["containers"][0]
        assert container["args"] == [service, "serve"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        assert pods(overlay)[f"{service}-migrations"]["containers"][0]["args"] == [service, "migrate"]
        assert of_kind(overlay, "PodDisruptionBudget")[f"{service}-service"]["spec"]["minAvailable"] == 1


def called(policy, direction):
    """Services of ours on the other side of a policy's doors."""
    side = {"ingress": "from", "egress": "to"}[direction]
    for rule in policy["spec"][direction]:
        if 7000 in {port["port"] for port in rule["ports"]}:
            for peer in rule[side]:
                yield peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]


def told_by(service):
    """Whose journals it reads: everybody of whom it hears, but its own, which lies beside it."""
    return {known_events()[each.event] for each in hears(service)} - {service}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", OF_THE_CARD)
def test_a_service_may_call_those_of_whom_it_hears_and_nobody_else(overlay, service):
    policies = of_kind(overlay, "NetworkPolicy")
    own = policies[f"{service}-service"]
    assert own["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": service}}
    assert set(called(own, "egress")) == told_by(service)
    hearers = {each for each in OF_THE_CARD if service in told_by(each)}
    assert set(called(own, "ingress")) == hearers | {"operator"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_no_policy_allows_is_refused(overlay):
    deny = of_kind(overlay, "NetworkPolicy")["default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


NAMES = {
    sample.name for family in REGISTRY.collect() for sample in family.samples
} | {
    f"{family.name}{suffix}"
    for family in REGISTRY.collect()
    for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
}  # fmt: skip


def strangers(expression):
    return set(re.findall(r"throughcare_\w+", expression)) - NAMES


@pytest.mark.parametrize("alert", ALERTS, ids=[each["alert"] for each in ALERTS])
def test_an_alert_watches_what_is_counted_and_says_what_to_do(alert):
    assert strangers(alert["expr"]) == set()
    assert alert["labels"]["severity"] in {"page", "warn"}
    assert alert["annotations"]["summary"].endswith(".")
    assert (ROOT / alert["annotations"]["runbook"]).is_file()


def test_dashboards_show_what_is_counted():
    boards = list((DEPLOY / "observability" / "dashboards").glob("*.json"))
    expressions = [
        target["expr"]
        for board in boards
        for panel in json.loads(board.read_text())["panels"]
        for target in panel["targets"]
    ]
    assert len(expressions) > 5
    assert [each for each in expressions if strangers(each)] == []


def test_a_misspelt_metric_would_be_found():
    assert strangers("rate(throughcare_comands_total[5m])") == {"throughcare_comands_total"}


def test_scripts_are_free_of_mistakes_of_grammar():
    scripts = [path for path in DEPLOY.rglob("*") if path.is_file() and path.read_bytes()[:2] == b"#!"]
    assert len(scripts) > 8
    for path in scripts:
        subprocess.run(["bash", "-n", path], check=True)
