"""By which rule was a slot decided? The words that the ledger keeps beside the sentence, for `jobs why`.

A new kind of schedule that decides slots in a way of its own adds its words here, and writes them as `rule`
of its SlotRecord (or as the reason of an instance that it ends); `why` shows the sentence.
"""

from __future__ import annotations

RULES: dict[str, str] = {
    # Decided when it fell due.
    "missed-none": "R10: it was missed, and the policy is none",
    "missed-last": "R10: it was missed, and only the last one is caught up",
    "missed-most": "R10: it was missed, and more than maxRuns were",
    "missed-age": "R10: it was missed, and is older than maxAge",
    "restored": "R9: the database was restored, and nothing is started that may have run since its copy",
    "same-gap": "R3: starts of one job that land at the end of one gap are one run",
    "same-instant": "R3: slots of one schedule that are due at one instant are one run",
    "decided-before": "R6: a slot fires at most once, and this one was decided before",
    "operator-skip": "an operator skipped it",
    # Decided when its run was to start, or later: the reasons of the run.
    "overlap": "R11: the overlap policy of the job",
    "late": "startDeadline: it could not start early enough",
    "expired": "deadline: its time was over",
    "hold": "a hold dropped the start that waited",
    # Windows, calendars, fire-and-forget.
    "calendar": "R13: a calendar leaves the time out",
    "window-closed": "R13: no window was open",
    "window-end": "R13: the range of its windows was over",
    "finished": "a one-time job is done",
    # Triggers.
    "duplicate": "the same event was taken before",
    "debounced": "it came within the debounce of another event",
    "batched": "it is part of a batch",
    "overflow": "the queue of events was full",
    "removed": "the trigger that it came for, or its job, is gone",
    "bad-inputs": "what came did not fit the inputs of the job",
    "cycle": "its job had led to it: jobs would have started each other for ever",
    "depth": "too many jobs had started after one another",
}
"""Word → the rule in a sentence; a word without one is shown as it is."""


def sentence_of(rule: str) -> str:
    """What a word of the ledger means."""
    return RULES.get(rule, rule)
