"""Templates: drafted and linted, approved by a second person, retired; and the lint for any text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chassis.access import by
from chassis.aggregate import NotFound
from chassis.work import command
from notifications.domain.lint import Reader, Use, lint
from notifications.domain.template import Status, Template, Text
from notifications.storage import STAFF, Work


@command("template.draft", by("SM"))
async def draft_template(work: Work, name: str, reader: Reader, texts: tuple[Text, ...]) -> dict[str, Any]:
    """The next version of a template, LINTED where the word list has nothing against it."""
    held = await work.templates.find(name=name)
    number = max((each.number for each in held), default=0) + 1
    draft = Template(
        id=work.new_id(), name=name, number=number, reader=reader, texts=texts, drafted_by=work.actor.id
    ).draft(at=work.now)
    template, findings = draft.lint(await work.words(), at=work.now)
    version = await work.templates.put(template)
    return {
        "number": number,
        "status": template.status.value,
        "version": version,
        "findings": [asdict(finding) for finding in findings],
    }


@command("template.approve", by("SM"))
async def approve_template(work: Work, name: str, number: int, expected: int | None) -> int:
    """A second service manager approves it; the version sent until now is retired."""
    template = await _version(work, name, number, expected)
    approved = template.approve(by=work.actor.id, pack=await work.words(), at=work.now)
    for before in await work.templates.find(name=name, status=Status.APPROVED.value):
        await work.templates.put(before.retire(by=work.actor.id, at=work.now))
    return await work.templates.put(approved)


@command("template.retire", by("SM"))
async def retire_template(work: Work, name: str, number: int, expected: int | None) -> int:
    """Do not send it any more; notices that need it wait for another version until their use-by."""
    template = await _version(work, name, number, expected)
    return await work.templates.put(template.retire(by=work.actor.id, at=work.now))


@command("text.lint", by(f"SM, PA, {STAFF}"))
async def lint_text(work: Work, text: str, use: Use, reader: Reader) -> dict[str, Any]:
    """What is to be looked at in a text; nothing of it is kept."""
    pack = await work.words()
    findings = lint(text, pack, use=use, reader=reader)
    return {
        "findings": [asdict(finding) for finding in findings],
        "blocks": use is Use.TEMPLATE and bool(findings),
        "pack_version": pack.version,
    }


async def _version(work: Work, name: str, number: int, expected: int | None) -> Template:
    held = await work.templates.first(name=name, number=number)
    if held is None:
        raise NotFound
    return await work.templates.get(held.id, expected)
