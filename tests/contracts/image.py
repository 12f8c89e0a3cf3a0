"""An image of the contracts as plain values: what every message and field is, and the options it carries."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "proto" / "released.binpb"
# The options that say how a message may travel and what a field holds. buf does not look at them.
MESSAGE_OPTIONS = {50001: "reach", 50002: "topic", 50003: "key"}
FIELD_OPTIONS = {50011: "kind", 50012: "list", 50013: "category"}
VARINT, LENGTH_DELIMITED = 0, 2


@dataclass(frozen=True)
class Options:
    """The options of one message or field, by name; numbers of enums as numbers."""

    of: str
    values: tuple[tuple[str, int | str], ...]


def read_image(path: Path) -> descriptor_pb2.FileDescriptorSet:
    """An image file of buf is a file descriptor set."""
    return descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())


def build_image(proto: Path = ROOT / "proto") -> descriptor_pb2.FileDescriptorSet:
    """The image of the contracts as they stand in this folder."""
    files = sorted(str(file) for file in (proto / "throughcare").rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "image.binpb"
        bundled = Path(protoc.__file__).parent / "_proto"
        answer = subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", f"-I{proto}", f"-I{bundled}", "--include_imports",
             f"--descriptor_set_out={out}", *files],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if answer.returncode:
            raise RuntimeError(answer.stderr)
        return read_image(out)


def options_of(image: descriptor_pb2.FileDescriptorSet) -> dict[str, Options]:
    """The options of every message and field of ours, by full name."""
    found: dict[str, Options] = {}
    for file in image.file:
        if file.package.startswith("throughcare."):
            for message in file.message_type:
                _add(found, message, file.package)
    return found


def _add(found: dict[str, Options], message: descriptor_pb2.DescriptorProto, scope: str) -> None:
    name = f"{scope}.{message.name}"
    found[name] = Options(name, _values(message.options, MESSAGE_OPTIONS))
    for each in message.field:
        found[f"{name}.{each.name}"] = Options(f"{name}.{each.name}", _values(each.options, FIELD_OPTIONS))
    for nested in message.nested_type:
        _add(found, nested, name)


def _values(
    options: descriptor_pb2.MessageOptions | descriptor_pb2.FieldOptions, names: dict[int, str]
) -> tuple[tuple[str, int | str], ...]:
    """The extensions of ours, read from the bytes, so that an older set of extensions can be read as well."""
    data = options.SerializeToString(deterministic=True)
    values: dict[str, int | str] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        value: int | str
        if wire == VARINT:
            value, at = _varint(data, at)
        elif wire == LENGTH_DELIMITED:
            length, at = _varint(data, at)
            value, at = data[at : at + length].decode(), at + length
        else:
            raise ValueError(f"an option of wire type {wire} was not expected")
        if number in names:
            values[names[number]] = value
    return tuple(sorted(values.items()))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
