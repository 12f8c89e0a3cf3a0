"""One clock per house: it is read in `chassis.database` and handed on. Whatever else reads a clock lies twice: when a
demonstration winds the house's clock, and when two machines disagree."""

import ast
import re

from tests.architecture.source import PACKAGES, SERVICES, dotted, files, names_of_imports, shown, tree

READS = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime", "time.asctime",
    "uuid.uuid1", "uuid.uuid7",
}  # fmt: skip
# SQL has a clock of its own, which knows nothing of the house's.
SQL = re.compile(
    r"\b(now\s*\(\s*\)|current_timestamp|current_date|localtimestamp|clock_timestamp|statement_timestamp"
    r"|transaction_timestamp|timeofday)\b",
    re.IGNORECASE,
)
# Where the machine's own clock is meant, each with its reason.
MAY = {
    "chassis/database.py": "it is the clock",
    "chassis/certificates.py": "a certificate is valid in the world's time, whatever the house's clock says",
    "house/identity.py": "the same",
    "house/material.py": "the same",
    "chassis/telemetry/logs.py": "a log line says when it was written on this machine",
    "house/supervisor.py": "a process of this machine lives in this machine's time",
}


def files_to_look_at():
    for package in PACKAGES:
        for file in files(package):
            if str(file.relative_to(SERVICES)) not in MAY:
                yield file


def test_no_code_reads_a_clock():
    found = []
    for file in files_to_look_at():
        known = names_of_imports(file)
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Attribute | ast.Name) and (name := dotted(node)):
                first, _, rest = name.partition(".")
                full = ".".join(filter(None, [known.get(first, first), rest]))
                if full in READS:
                    found.append(f"{shown(file, node)} {full}")
    assert found == []


def test_no_statement_reads_the_clock_of_the_server():
    docstrings = {
        id(node.body[0].value)
        for file in files_to_look_at()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found = [
        f"{shown(file, node)} {match.group()}"
        for file in files_to_look_at()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        for match in SQL.finditer(node.value)
    ]
    assert found == []


def test_no_column_is_filled_by_the_clock_of_the_server():
    found = [
        f"{shown(file, node)} func.{node.attr}"
        for file in files_to_look_at()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and dotted(node.value) in {"func", "sqlalchemy.func", "sa.func"}
        if SQL.match(f"{node.attr}()")
    ]
    schema = [
        f"{shown(file)} {match.group()}"
        for file in sorted(SERVICES.glob("*/migrations/*.py"))
        for match in SQL.finditer(file.read_text())
    ]
    assert found + schema == []


def test_the_exceptions_are_still_there():
    assert all((SERVICES / name).exists() for name in MAY)
