"""Everything one may ask of the service that changes something; each is fetch, ask, put."""

from referral.commands.consents import (
    decline_consent,
    expire_consent,
    grant_consent,
    miss_consent_deadline,
    warn_of_review,
    withdraw_consent,
)
from referral.commands.drafts import (
    record_told_and_willing,
    reopen_referral,
    start_referral,
    submit_referral,
    update_draft,
)
from referral.commands.feeds import confirm_feeds
from referral.commands.imports import import_referrals
from referral.commands.merges import merge_people, unmerge
from referral.commands.people import record_person_details, set_access_list, set_contact_channels, set_safe_contact
from referral.commands.practitioners import change_practitioner, set_cover, set_practitioner
from referral.commands.programmes import (
    amend_programme,
    extend_commission,
    publish_eligibility_policy,
    publish_priority_policy,
    publish_programme,
    set_area,
    set_commission,
    set_delivery_mode,
    supersede_policies,
)
from referral.commands.prompts import (
    NothingOfOurs,
    complete_prompt,
    dismiss_prompt,
    raise_prompt,
    receive_external_event,
)
from referral.commands.rollout import complete_prerequisite, open_phase, plan_phase, suspend_phase
from referral.commands.screenings import import_screening, record_screening
from referral.commands.triage import (
    accept_referral,
    decline_referral,
    expire_referral,
    miss_referral_deadline,
    rank_referral,
    record_allocated,
    record_converted,
    redirect_referral,
    start_triage,
    warn_of_end,
    withdraw_referral,
)

__all__ = [
    "NothingOfOurs",
    "accept_referral",
    "amend_programme",
    "change_practitioner",
    "complete_prerequisite",
    "complete_prompt",
    "confirm_feeds",
    "decline_consent",
    "decline_referral",
    "dismiss_prompt",
    "expire_consent",
    "expire_referral",
    "extend_commission",
    "grant_consent",
    "import_referrals",
    "import_screening",
    "merge_people",
    "miss_consent_deadline",
    "miss_referral_deadline",
    "open_phase",
    "plan_phase",
    "publish_eligibility_policy",
    "publish_priority_policy",
    "publish_programme",
    "raise_prompt",
    "rank_referral",
    "receive_external_event",
    "record_allocated",
    "record_converted",
    "record_person_details",
    "record_screening",
    "record_told_and_willing",
    "redirect_referral",
    "reopen_referral",
    "set_access_list",
    "set_area",
    "set_commission",
    "set_contact_channels",
    "set_cover",
    "set_delivery_mode",
    "set_practitioner",
    "set_safe_contact",
    "start_referral",
    "start_triage",
    "submit_referral",
    "supersede_policies",
    "suspend_phase",
    "unmerge",
    "update_draft",
    "warn_of_end",
    "warn_of_review",
    "withdraw_consent",
    "withdraw_referral",
]
