"""What may be asked of a service: every command names who may give it, and every door leads to one."""

import ast
import re

import pytest

from tests.architecture.declared import asked, contracted, hears, known_events, promises, served
from tests.architecture.source import (
    OF_THE_CARD,
    decorators,
    dotted,
    files,
    functions,
    module,
    names_of_imports,
    shown,
    tree,
)
from tests.contracts.messages import modules

NAMED = re.compile(r"[a-z_]+\.[a-z_]+")
QUESTION = re.compile(r"(Get|List|Count|Find|Search|Export)[A-Z]")
# Methods that every service has from the chassis.
OF_EVERY_SERVICE = {"JournalService", "SeenService"}
# Read what was told before, in a stream: neither one record nor a page.
STREAMS = {"NodeService"}
# Whom a method answers to, beside what it leads to.
AUDIENCES = {"NODES"}


def stem(rpc: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower()


@pytest.mark.parametrize("service", OF_THE_CARD)
@pytest.mark.parametrize("kind", ["command", "query"])
def test_every_command_and_query_names_its_permission_and_who_has_it(service, kind):
    for each in asked(service, kind):
        assert NAMED.fullmatch(each.permission), f"{shown(each.file)}:{each.line} {each.function}"
        assert each.grants, f"{shown(each.file)}:{each.line} {each.function} says not who may"


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_no_two_permissions_of_a_service_have_one_name(service):
    names = [each.permission for kind in ("command", "query") for each in asked(service, kind)]
    assert sorted(names) == sorted(set(names))


def mentioned(*doors):
    """The full names of what these files speak of, as far as their imports tell."""
    for file in doors:
        known = names_of_imports(file)
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Attribute | ast.Name) and (name := dotted(node)):
                first, _, rest = name.partition(".")
                yield ".".join(filter(None, [known.get(first, first), rest]))


@pytest.mark.parametrize("service", OF_THE_CARD)
@pytest.mark.parametrize(("where", "kind"), [("commands", "command"), ("queries", "query")])
def test_a_door_leads_to_nothing_that_names_no_permission(service, where, kind):
    """What commands share among themselves (`open_allocations`) is not for a door."""
    doors = [file for name in ("rpc", "pages", "subscriptions", "deadlines") for file in module(service, name)]
    led_to = {name.rpartition(".")[2] for name in mentioned(*doors) if name.startswith(f"{service}.{where}.")}
    found = [
        f"{shown(file, function)} {function.name}"
        for file in module(service, where)
        for function in functions(file)
        if isinstance(function, ast.AsyncFunctionDef)
        if kind not in {name.rpartition(".")[2] for name, _ in decorators(function)}
        if function.name in led_to
    ]
    assert found == []


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_every_rpc_of_the_contract_is_served(service):
    in_code: dict[str, set[str]] = {}
    for each in served(service):
        in_code.setdefault(each.service, set()).add(each.method)
    for name, methods in contracted(service).items():
        if module(service, "rpc"):
            assert in_code.get(name, set()) == methods, name


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_every_rpc_leads_to_a_command_or_a_query_of_its_service(service):
    known = {each.function for kind in ("command", "query") for each in asked(service, kind)}
    for each in served(service):
        assert each.leads_to, f"{shown(each.file)}:{each.line} {each.method} leads nowhere"
        assert set(each.leads_to) - AUDIENCES, f"{shown(each.file)}:{each.line} {each.method} leads nowhere"
        assert set(each.leads_to) <= known | AUDIENCES, f"{shown(each.file)}:{each.line} {each.method}"


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_one_name_goes_through_the_whole_path(service):
    commands = {each.function for each in asked(service, "command")}
    for each in served(service):
        leads_to_commands = [name for name in each.leads_to if name in commands]
        if leads_to_commands:
            assert leads_to_commands == [stem(each.method)], f"{shown(each.file)}:{each.line}"
        elif each.service not in OF_EVERY_SERVICE | STREAMS:
            assert QUESTION.match(each.method), f"{shown(each.file)}:{each.line} {each.method}"


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_every_command_is_reached_by_a_door_or_is_part_of_another(service):
    doors = [file for name in ("rpc", "pages", "subscriptions", "deadlines") for file in module(service, name)]
    others = [*files("house"), *module(service, "gateways"), *module(service, "app")]
    reached = {name.removesuffix(".inside").rpartition(".")[2] for name in mentioned(*doors, *others)}
    inside = {
        name.removesuffix(".inside").rpartition(".")[2]
        for name in mentioned(*module(service, "commands"))
        if name.endswith(".inside")
    }
    if module(service, "rpc"):
        assert sorted({each.function for each in asked(service, "command")} - reached - inside) == []


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_a_command_that_changes_a_record_takes_the_version_it_expects(service):
    for each in modules():
        if each.DESCRIPTOR.package == f"throughcare.{service}.v1":
            for message in each.DESCRIPTOR.message_types_by_name.values():
                if "expected_version" in message.fields_by_name:
                    field = message.fields_by_name["expected_version"]
                    assert field.cpp_type in {field.CPPTYPE_INT64, field.CPPTYPE_INT32}, message.full_name


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_lists_are_paged(service):
    for each in modules():
        if each.DESCRIPTOR.package != f"throughcare.{service}.v1":
            continue
        for held in each.DESCRIPTOR.services_by_name.values():
            for method in held.methods:
                if method.name.startswith("List"):
                    assert {"page_size", "page_token"} <= set(method.input_type.fields_by_name), method.full_name
                    assert "next_page_token" in method.output_type.fields_by_name, method.full_name


def test_the_events_of_subscriptions_are_of_the_contracts():
    for service in OF_THE_CARD:
        for each in hears(service):
            assert each.event in known_events(), f"{shown(each.file)}:{each.line}"


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_every_promise_that_is_made_leads_somewhere_when_it_is_due(service):
    due = {
        argument.value
        for file in module(service, "deadlines")
        for function in functions(file)
        for name, call in decorators(function)
        if name.endswith(".due") and call
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }
    assert promises(service) <= due
