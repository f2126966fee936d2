"""What each kind of alarm means, what to do about it, and how long it must last to be raised and to be cleared.

docs/reference/alarms.md is made of this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.alarms import AlarmKind


@dataclass(frozen=True, slots=True)
class KindOfAlarm:
    """One kind.

    meaning, action: for the operator. cause: probable cause after ITU-T X.733 and X.736, as RFC 5674 wants one.
    hold_on_s: how long the condition must last before the alarm is raised. hold_off_s: how long it must be gone before
    the alarm is cleared. quiet_s: cleared when it was not raised again for so long; None: whoever raises it tells its
    end.
    """

    meaning: str
    action: str
    cause: str
    hold_on_s: float = 0.0
    hold_off_s: float = 10.0
    quiet_s: float | None = None


KINDS: dict[AlarmKind, KindOfAlarm] = {
    AlarmKind.QBER: KindOfAlarm(
        "The error rate of a link is above its limit: somebody measures the light, or it is out of alignment. No key "
        "is made of such blocks.",
        "Check alignment and polarisation; if they are well, treat it as an attack on the fibre. It clears with the "
        "first good block.",
        "degradedSignal",
    ),
    AlarmKind.TAMPERED: KindOfAlarm(
        "A message of the classical channel does not fit its tag: it was changed on its way. The block is discarded.",
        "Find who stands on the classical channel of this span. It clears with the first good block.",
        "informationModificationDetected",
    ),
    AlarmKind.PAD_LOW: KindOfAlarm(
        "Too little authentication pad is left to begin a block: the link cannot help itself any more.",
        "Commission the link anew (haris link recommission).",
        "thresholdCrossed",
    ),
    AlarmKind.LIGHT_DARK: KindOfAlarm(
        "This site's end of the fibre, or its device, cannot be reached.",
        "Check the device and its connection; the session waits and goes on by itself.",
        "lossOfSignal",
        hold_on_s=2.0,
    ),
    AlarmKind.SPAN_DOWN: KindOfAlarm(
        "The classical channel of a span has been lost.",
        "Check the network between the two sites and that the other site runs.",
        "communicationsSubsystemFailure",
        hold_on_s=30.0,
    ),
    AlarmKind.SITE_UNREACHABLE: KindOfAlarm(
        "The key manager of another site does not answer: keys shared with it can be fetched, but not assigned anew.",
        "Check that site and the way to it.",
        "communicationsSubsystemFailure",
        hold_on_s=5.0,
    ),
    AlarmKind.RELAY_FAILED: KindOfAlarm(
        "Keys relayed over trusted nodes did not arrive, or were altered; they are void.",
        "If it goes on, look at the alarms of the sites on the path.",
        "communicationsProtocolError",
        quiet_s=600.0,
    ),
    AlarmKind.POOL_LOW: KindOfAlarm(
        "A pool holds less than a quarter of what it should (major: it is dry). It clears at half.",
        "Compare the rates in and out (haris status); lower the demand, or give the pair more links or a path.",
        "thresholdCrossed",
        hold_on_s=10.0,
    ),
    AlarmKind.POOL_DEPLETES: KindOfAlarm(
        "At the measured rates a pool will be dry within the hour.",
        "As for pool-low, while there is time.",
        "thresholdCrossed",
        hold_on_s=30.0,
        hold_off_s=60.0,
    ),
    AlarmKind.SOURCE_STALLED: KindOfAlarm(
        "A key source gives no keys.",
        "Examine the device (haris doctor).",
        "lossOfSignal",
        hold_on_s=10.0,
    ),
    AlarmKind.SOURCE_QUARANTINED: KindOfAlarm(
        "A key source gave keys that cannot be right (size, key_ID, ends that differ). Nothing of it is used.",
        "Examine the device (haris doctor), then release it by hand.",
        "corruptData",
        hold_off_s=0.0,
    ),
    AlarmKind.EMULATED_REFUSED: KindOfAlarm(
        "Emulated keys were asked for at a node that is no laboratory; none were given.",
        "Correct the configuration: a site that serves applications must not be fed by emulated light.",
        "configurationOrCustomizationError",
        quiet_s=600.0,
    ),
    AlarmKind.DENIALS: KindOfAlarm(
        "Many requests without authority were refused within a minute.",
        "Find the caller in the audit log (haris audit show --about NAME).",
        "unauthorizedAccessAttempt",
        quiet_s=600.0,
    ),
    AlarmKind.STORE: KindOfAlarm(
        "The store cannot be written or trusted: no key leaves this site.",
        "Read the text: free the disk, or restore a backup.",
        "storageCapacityProblem",
        quiet_s=60.0,
    ),
    AlarmKind.ROLLED_BACK: KindOfAlarm(
        "The store is an older copy than what the neighbours remember. What was made since is void at both ends.",
        "Commission the links anew (haris link recommission), and find out how the copy came back.",
        "corruptData",
        hold_off_s=0.0,
    ),
    AlarmKind.VERSION: KindOfAlarm(
        "This site and another speak no common version of a protocol: nothing of that protocol passes between them.",
        "Upgrade the older of the two, or roll the newer back by one release: a release speaks its own versions and "
        "those of the one before.",
        "versionMismatch",
    ),
    AlarmKind.CERTIFICATE: KindOfAlarm(
        "A certificate expires within 30 days (major: 7 days; critical: it has expired).",
        "Renew it; the new file is read without a restart.",
        "keyExpired",
    ),
    AlarmKind.EVIDENCE_LOST: KindOfAlarm(
        "Messages for a syslog or SNMP receiver were dropped: it does not take them as fast as they come.",
        "Check the receiver. Nothing is lost of the audit log, which is in the store.",
        "queueSizeExceeded",
        quiet_s=300.0,
    ),
    AlarmKind.RANDOMNESS: KindOfAlarm(
        "A supply of random numbers has failed: its device, a health test, or the way to it. No bit is given, and a "
        "site that is configured to take its randomness there makes no key.",
        "Read the text and examine the device (haris entropy watch). It clears when the start-up tests are passed.",
        "lossOfSignal",
        hold_on_s=2.0,
        hold_off_s=0.0,
    ),
    AlarmKind.OTHER: KindOfAlarm(
        "What the text says.",
        "Read the text.",
        "indeterminate",
        quiet_s=600.0,
    ),
}
