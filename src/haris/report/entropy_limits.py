"""What a report on a source of random numbers does not show, said in it."""

from __future__ import annotations

NOT_SHOWN = (
    "Tests of bits cannot show that bits are unpredictable. The output of a good cipher under a key that somebody "
    "knows passes SP 800-22 and dieharder as well as any source, and so do the digits of e. Only a failure says "
    "something.",
    "The tested bits are hashed. Hashing makes the bits of a weak or dead source look as good as those of a healthy "
    "one: these tests examine the extraction, not the source.",
    "The estimates of SP 800-90B are statistics on one recording. They show that ten simple adversaries do no better; "
    "an adversary who knows the device, or who made it, is not among them. What is credited is the bound, "
    "not an estimate.",
    "The bound holds where its assumptions hold. No software can see that: samples that agree with the model are "
    "necessary for it, not sufficient, and calibration is taken as it is stated.",
    "Parameters are those of the description. Where a bound rests on checks of an untrusted part, what is printed here "
    "is what the description lets one expect, unless it is said otherwise; live blocks are bounded by their own "
    "checks.",
    "A hash says which octets were looked at, not where they come from. Nothing here proves that the tested bits were "
    "extracted from the samples, or that samples were recorded and not emulated.",
    "One recording at one time says nothing of ageing, temperature, or an attack that begins tomorrow: that is for the "
    "health tests that run with the source.",
    "P-values come from limits for long sequences, and false-rejection probabilities are as good as these.",
)
NO_MODEL = (
    " No model of this source is known: what is drawn as one has the stated min-entropy, and need have nothing else in "
    "common with it."
)

OF_A_BLOCK = (
    " That is more than the estimate, which is of a single sample: the smooth min-entropy of a whole block may come up "
    "to the Shannon entropy of its samples. By SP 800-90B itself the lesser of both would be credited."
)
