"""For every method a request with everything wrong, and the faults it must be answered with."""

from throughcare.casework.v1 import service_pb2 as said

CANARY = "Canary-7731"


WRONG = {
    "RegisterWorker": (
        {"worker_ref": CANARY, "role": CANARY, "organisation": CANARY * 9, "capacity": 99},
        {
            ("worker_ref", "INVALID_FORMAT"),
            ("role", "UNKNOWN_CODE"),
            ("organisation", "TOO_LONG"),
            ("capacity", "OUT_OF_RANGE"),
        },
    ),
    "RecordTrainingComplete": (
        {"worker_ref": CANARY, "topics": [CANARY], "completed_on": CANARY},
        {
            ("worker_ref", "INVALID_FORMAT"),
            ("topics.0", "UNKNOWN_CODE"),
            ("completed_on", "INVALID_FORMAT"),
            ("valid_to", "REQUIRED"),
            ("expected_version", "REQUIRED"),
        },
    ),
    "ClearWorker": (
        {"induction": said.RecordedAnswer(recorded_on=CANARY)},
        {
            ("worker_ref", "REQUIRED"),
            ("vetting_valid_to", "REQUIRED"),
            ("induction.recorded_on", "INVALID_FORMAT"),
            ("induction.recorded_by", "REQUIRED"),
            ("expected_version", "REQUIRED"),
        },
    ),
    "SetCapacity": (
        {"capacity": -1, "expected_version": -1},
        {("worker_ref", "REQUIRED"), ("capacity", "OUT_OF_RANGE"), ("expected_version", "OUT_OF_RANGE")},
    ),
    "SuspendWorker": (
        {"worker_ref": "staff-ew-1"},
        {("reason", "REQUIRED"), ("expected_version", "REQUIRED")},
    ),
    "ListWorkers": ({"status": CANARY}, {("status", "UNKNOWN_CODE")}),
    "ProposeWorker": (
        {"allocation_id": CANARY},
        {
            ("allocation_id", "INVALID_FORMAT"),
            ("worker_ref", "REQUIRED"),
            ("expected_version", "REQUIRED"),
        },
    ),
    "AllocateWorker": (
        {},
        {("allocation_id", "REQUIRED"), ("worker_ref", "REQUIRED"), ("expected_version", "REQUIRED")},
    ),
    "ReallocateWorker": (
        {"reason": CANARY * 200, "handover": said.RecordedAnswer()},
        {
            ("allocation_id", "REQUIRED"),
            ("worker_ref", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("reason", "TOO_LONG"),
            ("handover.recorded_on", "REQUIRED"),
            ("handover.recorded_by", "REQUIRED"),
        },
    ),
    "HandOverCaseload": (
        {},
        {("from_worker_ref", "REQUIRED"), ("to_worker_ref", "REQUIRED"), ("reason", "REQUIRED")},
    ),
    "SetWorkerCover": (
        {"starts_on": "2026-02-30"},
        {
            ("allocation_id", "REQUIRED"),
            ("cover_ref", "REQUIRED"),
            ("starts_on", "INVALID_FORMAT"),
            ("ends_on", "REQUIRED"),
            ("expected_version", "REQUIRED"),
        },
    ),
    "ListAllocations": (
        {"case_id": CANARY, "status": CANARY},
        {("case_id", "INVALID_FORMAT"), ("status", "UNKNOWN_CODE")},
    ),
    "OpenEngagement": ({}, {("allocation_id", "REQUIRED"), ("expected_version", "REQUIRED")}),
    "RecordContactAttempt": (
        {"channel": CANARY, "attempted_on": CANARY},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("channel", "UNKNOWN_CODE"),
            ("attempted_on", "INVALID_FORMAT"),
        },
    ),
    "AgreeSupport": (
        {"contacts_per_week": 99, "contact_plan": said.RecordedAnswer(recorded_by="ev!l")},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("contacts_per_week", "OUT_OF_RANGE"),
            ("contact_plan.recorded_on", "REQUIRED"),
            ("contact_plan.recorded_by", "INVALID_FORMAT"),
        },
    ),
    "PauseEngagement": (
        {"reason": CANARY, "review_on": CANARY},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("reason", "UNKNOWN_CODE"),
            ("review_on", "INVALID_FORMAT"),
        },
    ),
    "ResumeEngagement": (
        {"resumed_on": "tomorrow"},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("resumed_on", "INVALID_FORMAT"),
        },
    ),
    "ExtendEngagement": (
        {},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("planned_months", "OUT_OF_RANGE"),
            ("reason", "REQUIRED"),
        },
    ),
    "RecordRating": (
        {"phase": CANARY, "ratings": [said.Rating(area=CANARY, score=11)]},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("phase", "UNKNOWN_CODE"),
            ("ratings.0.area", "UNKNOWN_CODE"),
            ("ratings.0.score", "OUT_OF_RANGE"),
        },
    ),
    "RecordNeed": (
        {"aspect": CANARY, "on": CANARY},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("aspect", "UNKNOWN_CODE"),
            ("on", "INVALID_FORMAT"),
        },
    ),
    "RecordExternalAppointment": (
        {"engagement_id": CANARY, "org_id": CANARY * 9, "aspect": CANARY},
        {
            ("engagement_id", "INVALID_FORMAT"),
            ("org_id", "TOO_LONG"),
            ("aspect", "UNKNOWN_CODE"),
            ("starts_at", "REQUIRED"),
            ("ends_at", "REQUIRED"),
        },
    ),
    "CancelExternalAppointment": (
        {"appointment_id": CANARY},
        {("appointment_id", "INVALID_FORMAT"), ("expected_version", "REQUIRED")},
    ),
    "ListExternalAppointments": ({"case_id": CANARY}, {("case_id", "INVALID_FORMAT")}),
    "StartEnding": (
        {"outcome": CANARY, "agreed_by": CANARY},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("outcome", "UNKNOWN_CODE"),
            ("agreed_by", "INVALID_FORMAT"),
        },
    ),
    "CloseEngagement": (
        {"outcome": CANARY, "end_report": said.RecordedAnswer(recorded_on=CANARY)},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("outcome", "UNKNOWN_CODE"),
            ("end_report.recorded_on", "INVALID_FORMAT"),
            ("end_report.recorded_by", "REQUIRED"),
        },
    ),
    "ShareEndReport": (
        {},
        {
            ("engagement_id", "REQUIRED"),
            ("expected_version", "REQUIRED"),
            ("end_report", "REQUIRED"),
            ("end_report.recorded_on", "REQUIRED"),
            ("end_report.recorded_by", "REQUIRED"),
        },
    ),
    "ReopenEngagement": ({}, {("engagement_id", "REQUIRED"), ("expected_version", "REQUIRED")}),
    "GetEngagement": ({}, {("engagement_id", "REQUIRED")}),
    "ListCaseload": (
        {"worker_ref": CANARY, "status": CANARY},
        {("worker_ref", "INVALID_FORMAT"), ("status", "UNKNOWN_CODE")},
    ),
}
