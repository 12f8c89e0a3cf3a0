"""Everything one may ask of notifications; each is fetch, ask, put."""

from notifications.commands.contact_book import set_staff_contact, set_team_contact
from notifications.commands.ladder import escalate_notice, expire_notice, miss_handing_over
from notifications.commands.notices import acknowledge_notice, resolve_notice, retry_notice
from notifications.commands.requests import request_notices, stop_joined, stop_notices
from notifications.commands.sending import claim_notices, record_answer
from notifications.commands.templates import approve_template, draft_template, lint_text, retire_template

__all__ = [
    "acknowledge_notice",
    "approve_template",
    "claim_notices",
    "draft_template",
    "escalate_notice",
    "expire_notice",
    "lint_text",
    "miss_handing_over",
    "record_answer",
    "request_notices",
    "resolve_notice",
    "retire_template",
    "retry_notice",
    "set_staff_contact",
    "set_team_contact",
    "stop_joined",
    "stop_notices",
]
