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
    "infoxlm": "Nothing is shown, and no arm is better than the model before its first step: pieces that the three "
    "languages share find 0.24 of the translations at random weights, and 120 steps take that away (MLM 0.14) before "
    "they give anything back. By the first token's vector, which XLCO trains, it is ahead of both others in the mean, "
    "within the interval. Not tried yet: more steps, which the machine had no time for, and languages that share fewer "
    "pieces.",
    "restore": "A stage of restoring helps the translation that follows it (-0.30), and so do as many more steps of "
    "translation (-0.33): at this size it is the training that counts, not its kind. Why: after 200 steps the decoder "
    "restores switched words as well from another sentence's source as from its own (0.02 both ways), so it does not "
    "read its source yet; mBART does when this stage begins. That translations come nearer is seen in the mean, and "
    "not shown.",
    "mixes": "Replay does what it is for: English loses 1.42 bits without it and 0.31 with it, for 0.08 of German; "
    "code (0.83) and English originals (0.12) lessen it too. The rest is the budget: every mix has the same "
    "bytes, so that code takes a quarter of the German ones and English a half, and a model of 2 layers "
    "that has read 0.4 MB has nothing else to gain by them; the publication's figures are of classification "
    "by large models. Its loss of related languages is not seen either: Dutch gains by German (0.16), as "
    "the base has read English alone.",
    "langsamp": "Nothing is shown, and the means point the other way: 300 steps of a model of 2 layers end before it "
    "has anything of languages that a head could spare it. Seeds differ as much as arms do. Not tried yet: more steps, "
    "and related languages in one script alone.",
    "contriever": "Crops do what MLM undoes: it takes away what random weights find by words that both halves share, "
    "crops keep it. That they are better than an untrained model is not shown with so few steps.",
}
