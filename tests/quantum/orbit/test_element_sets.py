"""Element sets in every form, and those that are no elements."""

import json

import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.orbit.element_sets import chosen, read_elements
from haris.quantum.orbit.tle import checksum, read_tle

ONE = "1 41731U 16051A   25265.33409832  .00080539  00000-0  89175-3 0  9999"
TWO = "2 41731  97.2945 187.6583 0004596  12.3887 347.7483 15.62724089508176"
OMM = {
    "OBJECT_NAME": "MICIUS",
    "OBJECT_ID": "2016-051A",
    "EPOCH": "2025-09-22T08:01:06.094848",
    "MEAN_MOTION": 15.62724089,
    "ECCENTRICITY": 0.0004596,
    "INCLINATION": 97.2945,
    "RA_OF_ASC_NODE": 187.6583,
    "ARG_OF_PERICENTER": 12.3887,
    "MEAN_ANOMALY": 347.7483,
    "NORAD_CAT_ID": 41731,
    "BSTAR": 0.00089175,
    "MEAN_MOTION_DDOT": 0,
}
KEYWORDS = "CCSDS_OMM_VERS = 2.0\nCOMMENT text\nTIME_SYSTEM = UTC\n" + "\n".join(f"{k} = {v}" for k, v in OMM.items())
XML = (
    '<?xml version="1.0"?><ndm><omm id="CCSDS_OMM_VERS"><body><segment><data>'
    + "".join(f"<{k}>{v}</{k}>" for k, v in OMM.items())
    + "</data></segment></body></omm></ndm>"
)


@pytest.mark.parametrize(
    "text",
    [
        f"0 MICIUS\n{ONE}\n{TWO}\n",
        f"\ufeffMICIUS\n{ONE}\n{TWO}",
        json.dumps([OMM]),
        KEYWORDS,
        XML,
        "\ufeff" + json.dumps(OMM),
    ],
)
def test_every_form_tells_the_same(text):
    (elements,) = read_elements(text)
    assert (elements.name, elements.catalogue_number) == ("MICIUS", 41731)
    assert elements.epoch_s == pytest.approx(1758528066.094848, abs=1e-4)
    assert elements.mean_motion_rev_per_day == 15.62724089
    assert elements.bstar_per_radius == pytest.approx(0.00089175)
    assert elements.eccentricity == 0.0004596


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (
            "1 41731U 16051A   16353.90152003  .00000364  00000-0  17957-4 0  9993",
            "2 41731  97.3699 267.4500 0013200 178.5836 246.0824 15.23915303 19063",
        ),
        (
            "1 41731U 16051A   21117.42314584  .00000696  00000-0  30260-4 0  9998",
            "2 41731  97.3499  30.8507 0012844 347.0485 124.2616 15.25507799261429",
        ),
        (
            "1 41731U 16051A   24016.15735159  .00011450  00000-0  34540-3 0  9998",
            "2 41731  97.3167 289.0989 0012522  59.2544 300.9930 15.34373256413200",
        ),
        (ONE, TWO),
    ],
)
def test_public_elements_of_micius_are_sound(one, two):
    assert read_tle(f"{one}\n{two}")[0].catalogue_number == 41731


FABRICATED = (
    "1 41731U 16051A   24350.52843431  .00000969  00000-0  16238-3 0  9997",
    "2 41731  97.4024 252.3661 0008272  97.6698 262.5358 15.22855523463832",
)
"""Copied from one public repository to the next as of December 2024; the true satellite had come much lower by then."""


@pytest.mark.parametrize("pair", [FABRICATED, (ONE, FABRICATED[1])])
def test_the_fabricated_elements_of_micius_fail_both_checksums(pair):
    with pytest.raises(ParameterError, match="checksum"):
        read_tle("\n".join(pair))


@pytest.mark.parametrize("place", range(68))
def test_any_digit_that_changes_is_found(place):
    for line in (ONE, TWO):
        if line[place].isdigit() and place > 0:
            forged = line[:place] + str((int(line[place]) + 1) % 10) + line[place + 1 :]
            pair = (forged, TWO) if line is ONE else (ONE, forged)
            with pytest.raises(ParameterError, match="checksum"):
                read_tle("\n".join(pair))


def summed(line):
    return line[:68] + str(checksum(line))


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        (ONE, "", "followed by its line 2"),
        (ONE[:-2], TWO, "69 characters"),
        (ONE, summed(TWO.replace("41731", "41732")), "of 41732"),
        (ONE, summed(TWO.replace(" 97.2945", "197.2945")), "inclination_deg"),
        (ONE, summed(TWO.replace("15.62724089", "18.62724089")), "mean_motion"),
        (ONE, summed(TWO.replace("0004596", "9004596")), "perigee"),
        (summed(ONE.replace("25265.33409832", "25400.33409832")), TWO, "columns 19 to 32"),
        (ONE, summed(TWO.replace("187.6583", "18x.6583")), "columns 18 to 25"),
        (summed(ONE.replace("25265.33409832", "25366.33409832")), TWO, "columns 19 to 32"),  # 2025 has 365 days
        (summed(ONE[:62] + "4" + ONE[63:]), TWO, "ephemeris type '4'"),
        (ONE, TWO + "\nBEIDOU", "line 3: a name must be followed by its line 1: 'BEIDOU'"),
        (ONE, TWO + f"\nBEIDOU\nMICIUS\n{ONE}\n{TWO}", "line 3: a name must"),
        ("# of today\nMICIUS\n" + ONE, TWO, "line 1: a name must be followed by its line 1: '# of today'"),
        ("\033[2J\n" + ONE, TWO, "name must be of printed"),
    ],
)
def test_what_is_no_element_set_is_refused(one, two, reason):
    with pytest.raises(ParameterError, match=reason):
        read_tle(f"{one}\n{two}")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"EPOCH": "soon"}, "EPOCH"),
        ({"MEAN_MOTION": "fast"}, "MEAN_MOTION"),
        ({"MEAN_MOTION": "nan"}, "mean_motion"),
        ({"BSTAR": None}, "BSTAR is missing"),
        ({"TIME_SYSTEM": "GPS"}, "TIME_SYSTEM"),
        ({"NORAD_CAT_ID": "-3"}, "NORAD_CAT_ID"),
        ({"MEAN_ELEMENT_THEORY": "SGP4-XP"}, "MEAN_ELEMENT_THEORY"),
        ({"EPHEMERIS_TYPE": 4}, "EPHEMERIS_TYPE"),
        ({"EPOCH": "2025-366T00:00:00"}, "EPOCH"),
        ({"OBJECT_NAME": "\033[2J"}, "name must be of printed"),
    ],
)
def test_a_message_that_says_otherwise_is_refused(change, reason):
    with pytest.raises(ParameterError, match=reason):
        read_elements(json.dumps(OMM | change))


def test_a_message_may_say_it_as_the_standard_does():
    plain, other = OMM | {"EPOCH": "2024-12-31T08:01:06.25"}, {"MEAN_ELEMENT_THEORY": "SGP/SGP4", "EPHEMERIS_TYPE": 0}
    (expected,) = read_elements(json.dumps(plain))
    assert read_elements(json.dumps(plain | other | {"EPOCH": "2024-366T08:01:06.25"})) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "[",
        "[3]",
        "[]",
        "<omm",
        '<!DOCTYPE a [<!ENTITY b "c">]><omm/>',
        "EPOCH = 1\nno",
        "No GP data found\nSorry",
    ],
)
def test_a_text_without_elements_is_refused(text):
    with pytest.raises(ParameterError):
        read_elements(text)


def test_a_satellite_is_chosen_by_name_or_number():
    elements = read_elements(f"MICIUS\n{ONE}\n{TWO}")
    assert chosen(elements, "micius") is chosen(elements, "41731") is elements[0]
    with pytest.raises(ParameterError, match="none of that name"):
        chosen(elements, "QUBE-II")
    with pytest.raises(ParameterError, match="hold 2"):
        chosen(elements * 2, "MICIUS")


def test_alpha_5_counts_on():
    one, two = (summed(line.replace("41731", "A0001")) for line in (ONE, TWO))
    assert read_tle(f"{one}\n{two}")[0].catalogue_number == 100001
