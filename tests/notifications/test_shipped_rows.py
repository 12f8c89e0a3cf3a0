"""What the release ships is complete and keeps its own rules."""

from __future__ import annotations

from notifications import queries
from notifications.domain.codes import Urgency, channels_of
from notifications.domain.lint import Reader
from notifications.domain.template import MAY_FILL, Template, fill
from notifications.domain.timing import in_force, step_after
from tests.notifications.house import MONDAY, House

MIGRATIONS = "notifications.migrations"


async def shipped(house: House) -> dict[str, Template]:
    return {each.name: each for each in await house.ask(queries.list_templates, most=200)}


async def test_every_row_of_the_audience_has_a_template_with_a_text_for_each_of_its_channels(house: House) -> None:
    templates = await shipped(house)
    async with house.works.batch() as work:
        rules = (await work.dated()).rules

    lacking = [
        (rule.template, channel)
        for rule in rules
        for group in channels_of(rule.channels)
        for channel in group
        if rule.template not in templates or templates[rule.template].says(channel) is None
    ]
    assert lacking == []
    assert {rule.template for rule in rules} == set(templates)


async def test_every_shipped_template_passes_the_lint_and_fills_in_what_its_channel_may_hold(house: House) -> None:
    async with house.works.batch() as work:
        pack = await work.words()
    for template in (await shipped(house)).values():
        assert template.findings(pack) == (), template.name
        assert template.reader is Reader.STAFF
        for text in template.texts:
            filled = fill(text, dict.fromkeys(MAY_FILL[text.channel], "value"))
            assert "{" not in filled.subject + filled.body


async def test_every_urgency_has_a_policy_whose_ladder_does_not_go_back_in_time(house: House) -> None:
    async with house.works.batch() as work:
        policies = (await work.dated()).policies
    for urgency in Urgency:
        policy, before, step = in_force(policies, urgency, MONDAY.date()), MONDAY, 0
        while step < 8 and (planned := step_after(policy, channels_of("P+E,S"), step, MONDAY)):
            assert planned.due_at >= before
            before, step = planned.due_at, step + 1


async def test_each_shipped_template_has_its_one_fact(house: House) -> None:
    rows = await house.rows(
        "select t.version, count(j.position) as facts from template t"
        " left join journal j on j.aggregate_id = t.id group by t.id, t.version"
    )
    assert {(row["version"], row["facts"]) for row in rows} == {(1, 1)}
