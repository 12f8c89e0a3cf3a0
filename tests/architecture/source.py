"""The code as the rules of the architecture see it: files, syntax trees, imports."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "services"
OF_THE_CARD = ("referral", "casework", "partners", "notifications")
PACKAGES = ("chassis", "house", *OF_THE_CARD)


@cache
def files(package: str) -> tuple[Path, ...]:
    """The Python files of a package, migrations apart."""
    found = sorted((SERVICES / package).rglob("*.py"))
    return tuple(file for file in found if "migrations" not in file.relative_to(SERVICES).parts)


@cache
def tree(file: Path) -> ast.Module:
    """Its syntax tree."""
    return ast.parse(file.read_text(), filename=str(file))


def shown(file: Path, node: ast.AST | None = None) -> str:
    """Where something stands, as an editor likes it."""
    line = f":{node.lineno}" if node is not None and hasattr(node, "lineno") else ""
    return f"{file.relative_to(ROOT)}{line}"


def module(service: str, name: str) -> list[Path]:
    """The files of a module that may have become a package of the same name."""
    return [file for file in files(service) if file.relative_to(SERVICES / service).parts[0] in {name, f"{name}.py"}]


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or an attribute; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def imports(file: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Every import of a file, those in functions included, as full names; relative ones are resolved."""
    package = file.relative_to(SERVICES).with_suffix("").parts
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def names_of_imports(file: Path) -> dict[str, str]:
    """What each imported name of a file stands for: local name to full name."""
    found = {}
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            found.update({alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names})
    return found


def decorators(function: ast.AST) -> Iterator[tuple[str, ast.Call | None]]:
    """The name and, where it is called, the call of each decorator."""
    for each in getattr(function, "decorator_list", ()):
        if isinstance(each, ast.Call):
            yield dotted(each.func), each
        else:
            yield dotted(each), None


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions at the top of a file."""
    yield from (node for node in tree(file).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def words(text: str) -> Iterator[str]:
    """The words of any text or code, those inside CamelCase, snake_case and kebab-case included, in lower case."""
    for run in re.findall(r"[A-Za-z]+", text):
        yield from (part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", run))


@cache
def kept() -> tuple[Path, ...]:
    """Every file of the repository: what git keeps, and what is new and not ignored."""
    answer = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        skipped = {".git", ".venv", ".state", ".data", "__pycache__", ".hypothesis"}
        return tuple(f for f in ROOT.rglob("*") if f.is_file() and not skipped & set(f.relative_to(ROOT).parts))
    return tuple(ROOT / name for name in answer.stdout.split("\0") if name and (ROOT / name).is_file())
