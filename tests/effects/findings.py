"""What was found out about an experiment, beside its numbers: where it disagrees, what was tried to see why.

Not in the experiments' modules, whose text is in the fingerprint of their results.
"""

from __future__ import annotations

from collections.abc import Mapping

FINDINGS: Mapping[str, str] = {
    "translico srp-hrv": "M3's direction is the published one, its size is not: the published M1 finds most "
    "translations by itself, so that M3 has 1.7 points to add; here M1 finds next to none. An earlier version of this "
    "experiment had 400 steps; its one seed gave M1 0.0065 translated and 0.0065 romanised, M3 0.1032 and "
    "0.3548: more steps, more of the same difference. A longer run before (methods D1, 1,740 steps, one seed) "
    "gave 0.012 and 0.013 against 0.271 and 0.815.",
}
