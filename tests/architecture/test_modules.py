"""Nothing happens at import: no engine, broker, server or settings stands in a module, nothing is read there."""

import ast

from tests.architecture.declared import parts_of_doors
from tests.architecture.source import OF_THE_CARD, PACKAGES, dotted, files, names_of_imports, shown, tree

OPENS = {
    "create_engine", "create_async_engine", "create_pool", "connect", "KafkaBroker", "FastStream", "AsgiFastStream",
    "AIOKafkaProducer", "AIOKafkaConsumer", "Producer", "Consumer", "AdminClient", "Starlette", "FastAPI", "server",
    "insecure_channel", "secure_channel", "Bus", "Database", "Relay", "Inbox", "Works", "Settings", "ServiceSettings",
    "BusSettings", "compose", "run", "open", "read_text", "read_bytes", "getenv", "get_server",
}  # fmt: skip
READS = {"os.environ", "environ"}
# A fault point that is not armed must cost nothing, so it is decided once whether any is.
MAY_READ = {"faultpoints.py"}
BROAD = {"Exception", "BaseException"}
# The loops that survive what they do not know, each in the chassis (style 5.4), and the command line's last word.
MAY_CATCH_ALL = {"chassis", "house"}


def at_import(node):
    """What runs when the module is imported: everything but the bodies of functions and of `__main__`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) in {"__name__ == '__main__'", "TYPE_CHECKING"}:
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from at_import(child)


def opened_at_import(module):
    for node in at_import(module):
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in OPENS:
            yield node, ast.unparse(node.func)
        if isinstance(node, ast.Attribute | ast.Name) and dotted(node) in READS:
            yield node, dotted(node)


def test_no_module_opens_or_reads_anything_when_it_is_imported():
    found = [
        f"{shown(file, node)} {what}"
        for package in PACKAGES
        for file in files(package)
        if file.name != "__main__.py" and file.name not in MAY_READ
        for node, what in opened_at_import(tree(file))
    ]
    assert found == []


def test_an_engine_at_module_level_would_be_found():
    planted = ast.parse("import os\nENGINE = create_async_engine(os.environ['X'])\ndef later():\n    return Bus()\n")
    assert {what for _, what in opened_at_import(planted)} == {"create_async_engine", "os.environ"}


def raises_again(handler):
    """It tidies up and lets the exception go on."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_whoever_catches_everything_is_a_loop_of_the_chassis():
    found = [
        f"{shown(file, node)}"
        for package in PACKAGES
        if package not in MAY_CATCH_ALL
        for file in files(package)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ExceptHandler)
        if (node.type is None or dotted(node.type) in BROAD) and not raises_again(node)
    ]
    assert found == []


def bases(node):
    return [dotted(base.value if isinstance(base, ast.Subscript) else base).rpartition(".")[2] for base in node.bases]


def families(service):
    """The names of the facts and aggregates of a service, those with common fields included."""
    classes = {
        node.name: bases(node)
        for file in files(service)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef)
    }
    found = {"Event", "Aggregate"}
    while more := {name for name, above in classes.items() if found & set(above)} - found:
        found |= more
    return found


def test_nothing_inherits_but_what_must():
    """No tree of classes: aggregates, facts, refusals, settings, servicers, works, protocols, enums and exceptions."""
    allowed = {
        "Refused", "Invalid", "Unmet", "Denied", "NotFound", "Exists", "Conflict", "Exhausted", "Exception",
        "ValueError", "RuntimeError", "Protocol", "StrEnum", "IntEnum", "Enum", "NamedTuple", "TypedDict", "Generic",
        "BaseModel", "BaseSettings", "ServiceSettings", "Work",
    }  # fmt: skip
    found = [
        f"{shown(file, node)} {name}"
        for service in OF_THE_CARD
        for family in [families(service) | parts_of_doors(service)]
        for file in files(service)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef)
        for base in bases(node)
        if (name := names_of_imports(file).get(base, base).rpartition(".")[2]) not in allowed | family
        and not name.endswith("Servicer")
    ]
    assert found == []
