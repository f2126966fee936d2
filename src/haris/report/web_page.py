"""A document as one HTML file that asks for nothing outside itself."""

from __future__ import annotations

import base64
import io
from html import escape

from haris.report.document import Bullets, Cell, Document, Mark, Part, Picture, Section, Table

STYLE = """
:root { --ink: #1d2b38; --soft: #5d6b78; --line: #d9e0e6; --band: #f4f7f9; --accent: #1f6f8b; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; }
body { font: 16px/1.55 "Segoe UI", system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
header { border-bottom: 3px solid var(--accent); padding-bottom: 1rem; margin-bottom: 1.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
header p, figcaption { color: var(--soft); margin: 0; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
p { margin: .6rem 0; max-width: 48rem; }
ul { padding-left: 1.2rem; max-width: 48rem; }
li { margin: .35rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .8rem 0 1.2rem; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); }
th, td { padding: .38rem .6rem; vertical-align: top; overflow-wrap: anywhere; }
td { border-bottom: 1px solid var(--line); }
tbody tr:nth-child(even) { background: var(--band); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.small { font-size: .8rem; line-height: 1.3; }
.small td, .small th { padding: .15rem .6rem; }
.mark { display: inline-block; padding: 0 .55rem; border-radius: 1rem; background: #e8edf1; font-weight: 600; }
.good { background: #dff1e4; color: #14602f; }
.bad { background: #fbe1dc; color: #97200d; }
figure { margin: 1rem 0 1.6rem; }
figure img { width: 100%; height: auto; }
figcaption { font-size: .88rem; max-width: 48rem; }
@media print { main { max-width: none; padding: 0; } tr, figure { break-inside: avoid; } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def web_page(document: Document) -> str:
    """The whole file, pictures inside. The same document gives the same text."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<header>\n<h1>{escape(document.title)}</h1>\n<p>{escape(document.subtitle)}</p>\n</header>\n"
        + "".join(map(_section, document.sections))
        + "</main>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{''.join(map(_part, section.parts))}</section>\n"


def _part(part: Part) -> str:
    match part:
        case Table():
            return _table(part)
        case Picture():
            return _picture(part)
        case Bullets():
            return "<ul>\n" + "".join(f"<li>{escape(item)}</li>\n" for item in part.items) + "</ul>\n"
        case _:
            return f"<p>{escape(part)}</p>\n"


def _table(table: Table) -> str:
    total = sum(table.widths)
    columns = "".join(f'<col style="width: {100 * width / total:.1f}%">' for width in table.widths)
    head = "".join(_cell("th", i, cell, table) for i, cell in enumerate(table.header))
    rows = "".join(
        "<tr>" + "".join(_cell("td", i, cell, table) for i, cell in enumerate(row)) + "</tr>\n" for row in table.rows
    )
    small = ' class="small"' if table.small else ""
    return (
        f'<div class="wide"><table{small}>\n<colgroup>{columns}</colgroup>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table></div>\n"
    )


def _cell(tag: str, column: int, cell: Cell, table: Table) -> str:
    css = ' class="number"' if column in table.numbers else ""
    if isinstance(cell, Mark):
        kind = {True: " good", False: " bad", None: ""}[cell.good]
        return f'<{tag}{css}><span class="mark{kind}">{escape(cell.text)}</span></{tag}>'
    return f"<{tag}{css}>{escape(cell)}</{tag}>"


def _picture(picture: Picture) -> str:
    import matplotlib

    drawn = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "haris"}):
        picture.figure.savefig(drawn, format="svg", metadata={"Date": None})
    data = base64.b64encode(drawn.getvalue()).decode()
    caption = escape(picture.caption)
    return (
        f'<figure>\n<img alt="{caption}" src="data:image/svg+xml;base64,{data}">\n'
        f"<figcaption>{caption}</figcaption>\n</figure>\n"
    )
