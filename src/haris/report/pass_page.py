"""Passes as a page: a table of all, the world, and the best of them one by one."""

from __future__ import annotations

from collections.abc import Sequence

from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.space.pass_blocks import LATER
from haris.quantum.space.pass_key import PassKey
from haris.quantum.space.pass_link import PassLink
from haris.report.document import Bullets, Cell, Document, Mark, Part, Picture, Section, Table
from haris.report.element_age import age_warning, oldest_s
from haris.report.pass_figures import key_by_month, month_figure, pass_figure
from haris.report.passes import named_pass
from haris.report.world_map import MOST_TRACKS, world_map

MOST_SHOWN = 12
MOST_ROWS = 400
MOST_REASONS = 24
COLUMNS = ("satellite", "station", "rise (UTC)", "set", "max el.", "nearest", "sifted", "QBER", "secret bits")


def pass_page(keys: Sequence[PassKey], links: Sequence[PassLink], clear: Sequence[float]) -> Document:
    """The page of passes in order. links, clear: the link, and the probability that no cloud is in the way, of each."""
    bits = sum(each.secret_bits for each in keys)
    names = sorted({each.flown.satellite.name for each in keys}), sorted({each.flown.where for each in keys})
    title = " and ".join([", ".join(names[0]) or "no satellite", ", ".join(names[1]) or "no station"])
    sections = [Section("Passes", _passes(keys, links, clear))]
    if keys:
        shown = min(len(keys), MOST_TRACKS)
        caption = (
            f"Ground tracks of {'the passes' if shown == len(keys) else f'the first {shown} passes'}: bold while the "
            "station sees the satellite above the least elevation. Dashed: below where it then stands."
        )
        sections.append(Section("On the map", (Picture(world_map([each.flown for each in keys]), caption),)))
    months = key_by_month(keys)
    if len(months) > 1:
        caption = "Expected key of all passes of a month under a clear sky."
        sections.append(Section("Key a month", (Picture(month_figure(months), caption),)))
    with_key = [i for i, each in enumerate(keys) if each.secret_bits > 0]
    best = sorted(with_key, key=lambda i: -keys[i].secret_bits)[:MOST_SHOWN]
    sections += [_pass(keys[i], links[i]) for i in sorted(best)]
    subtitle = f"{len(keys)} pass{'' if len(keys) == 1 else 'es'}, {bits:,} secret bits under a clear sky"
    return Document(f"Passes: {title}", subtitle, tuple(sections))


def _passes(keys: Sequence[PassKey], links: Sequence[PassLink], clear: Sequence[float]) -> tuple[Part, ...]:
    if not keys:
        return ("None of these satellites rises above the least elevation in this time.",)
    rows = tuple(_row(each) for each in keys[:MOST_ROWS])
    place = 10 if all(len(each.flown.where) <= 12 for each in keys) else 18
    parts: list[Part] = [
        f"Secret bits under a clear sky, {links[0].blocks}: {links[0].security.bound}, {links[0].certainty}.",
        Table(COLUMNS, rows, (11, place, 19, 9, 8, 9, 13, 8, 12), numbers=(4, 5, 6, 7, 8), small=True),
    ]
    if warning := age_warning(oldest_s(keys)):
        parts.append(warning[0].upper() + warning[1:] + ".")
    if min(clear) < 0.9995:
        parts.append(
            f"Clouds let {sum(clear) / len(clear):.0%} of the light through on average, which is in no figure."
        )
    reasons = [f"{named_pass(each, keys)}: {each.reason}" for each in keys if each.reason and each.reason != LATER]
    if reasons:
        parts += ["Without key:", Bullets(tuple(reasons[:MOST_REASONS]))]
    if len(reasons) > MOST_REASONS:
        parts.append(f"And {len(reasons) - MOST_REASONS} more, each of which haris pass tells in the terminal.")
    if len(keys) > MOST_ROWS:
        parts.append(f"{len(keys) - MOST_ROWS} later passes are left out of this table, not of the sums.")
    return tuple(parts)


def _row(each: PassKey) -> tuple[Cell, ...]:
    rise, end = (write_time(round(t * NS_PER_S)) for t in (each.flown.rise_s, each.flown.set_s))
    return (
        each.flown.satellite.name,
        each.flown.where,
        rise[:19].replace("T", " "),
        end[11:19],
        f"{each.flown.max_elevation_deg:.1f}°",
        f"{each.flown.min_range_m / 1e3:.0f} km",
        f"{each.sifted_bits:,.0f}",
        f"{each.qber:.2%}",
        _secret(each),
    )


def _secret(each: PassKey) -> Cell:
    if each.secret_bits:
        return f"{each.secret_bits:,}"
    return Mark("later") if each.reason == LATER else Mark("none", good=False)


def _pass(each: PassKey, link: PassLink) -> Section:
    rise = write_time(round(each.flown.rise_s * NS_PER_S))[:16].replace("T", " ")
    colours = ", the first blue, the other green" if each.slots.other is not None else ""
    caption = (
        f"{each.flown.satellite.name} over {each.flown.where}{colours}, a dot each minute (UTC), a square where it "
        f"sets; {each.sifted_bits:,.0f} sifted bits, QBER {each.qber:.2%}, {each.secret_bits:,} secret bits."
    )
    return Section(rise, (Picture(pass_figure(each, link), caption),))
