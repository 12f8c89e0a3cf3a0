"""Finds what `buf breaking` does not see: an option of a released contract that changed.

Reach, topic and key of a message and kind, list and category of a field are promises as much as its type:
whoever widens a reach or calls a name a code breaks what partners agreed to. Run as a module, it compares the
contracts with the last released image and ends with 1 where one differs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.contracts.image import RELEASED, Options, build_image, options_of, read_image

if TYPE_CHECKING:
    from collections.abc import Mapping


def changed_options(before: Mapping[str, Options], after: Mapping[str, Options]) -> list[str]:
    """One sentence for each released message or field that now carries another option."""
    return [
        f"{name}: {option} was {_shown(old)}, is {_shown(new)}"
        for name, was in sorted(before.items())
        if name in after
        for option, old, new in _differences(was, after[name])
    ]


def _differences(was: Options, now: Options) -> list[tuple[str, int | str | None, int | str | None]]:
    old, new = dict(was.values), dict(now.values)
    return [
        (option, old.get(option), new.get(option))
        for option in sorted({*old, *new})
        if old.get(option) != new.get(option)
    ]


def _shown(value: int | str | None) -> str:
    return "not set" if value is None else repr(value)


def main() -> int:
    """Prints every changed option; 1 where there is one."""
    found = changed_options(options_of(read_image(RELEASED)), options_of(build_image()))
    for line in found:
        print(line)
    if found:
        print("An option is a promise. A new meaning needs a new message or package version (proto/README.md).")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
