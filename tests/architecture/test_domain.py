"""The domain is plain Python: the standard library, itself, and the two pure modules of the chassis."""

import ast
import sys

import pytest

from tests.architecture.source import OF_THE_CARD, files, imports, module, shown, tree

PURE = ("chassis.aggregate", "chassis.calendar")
# Standard, and still not for the domain: they reach outside or depend on the moment.
NOT_FOR_THE_DOMAIN = {"asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading"}


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_the_domain_imports_the_standard_library_and_pure_modules_alone(service):
    found = [
        f"{shown(file, node)} {name}"
        for file in module(service, "domain")
        for node, name in imports(file)
        if not name.startswith((f"{service}.domain.", *PURE))
        and (name.split(".")[0] not in sys.stdlib_module_names or name.split(".")[0] in NOT_FOR_THE_DOMAIN)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["aggregate", "calendar"])
def test_what_the_domain_may_import_is_pure_itself(name):
    for file in module("chassis", name):
        for node, imported in imports(file):
            standard = imported.split(".")[0] in sys.stdlib_module_names
            assert standard or imported.startswith(PURE), f"{shown(file, node)} {imported}"


@pytest.mark.parametrize("service", OF_THE_CARD)
def test_every_dataclass_of_the_domain_is_frozen(service):
    found = [
        shown(file, node)
        for file in module(service, "domain")
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if "dataclass" in ast.unparse(decorator) and "frozen=True" not in ast.unparse(decorator)
    ]
    assert found == []


def test_nothing_of_the_domain_is_awaited():
    found = [
        shown(file, node)
        for service in OF_THE_CARD
        for file in files(service)
        if "domain" in file.parts
        for node in ast.walk(tree(file))
        if isinstance(node, ast.AsyncFunctionDef)
    ]
    assert found == []
