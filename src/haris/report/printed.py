"""A document for print: A4 pages as PDF, by reportlab."""

from __future__ import annotations

import io
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from haris.nouns.errors import ParameterError
from haris.report.document import Bullets, Cell, Document, Mark, Part, Picture, Table

INK, SOFT, LINE, BAND, ACCENT = "#1d2b38", "#5d6b78", "#d9e0e6", "#f4f7f9", "#1f6f8b"
GOOD, BAD = "#14602f", "#97200d"
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
MARGIN_MM = 18.0
HEADING_ROOM_MM = 45.0
"""A heading with less below it goes to the next page."""
FRAME_PADDING = 6.0
"""Points that reportlab leaves on each side of what a page holds."""
PICTURE_DPI = 200


def require_printer() -> None:
    """Raise ParameterError, saying what to install, where reportlab is missing."""
    try:
        import reportlab  # noqa: F401
    except ImportError:
        raise ParameterError("a PDF needs reportlab: pip install 'haris[pdf]'") from None


def printed(document: Document) -> bytes:
    """The PDF. The same document gives the same octets. Raises ParameterError where reportlab is missing."""
    require_printer()
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import CondPageBreak, HRFlowable, Paragraph, SimpleDocTemplate, Spacer

    _register_fonts()
    out = io.BytesIO()
    pages = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN_MM * mm,
        rightMargin=MARGIN_MM * mm,
        topMargin=MARGIN_MM * mm,
        bottomMargin=(MARGIN_MM + 4) * mm,
        title=document.title,
        author="haris",
        subject=document.subtitle,
        invariant=1,
    )
    flow: list[Any] = [
        Paragraph(escape(document.title), _style("title")),
        Paragraph(escape(document.subtitle), _style("subtitle")),
        HRFlowable(width="100%", thickness=2, color=ACCENT, spaceAfter=8),
    ]
    for section in document.sections:
        flow += [CondPageBreak(HEADING_ROOM_MM * mm), Paragraph(escape(section.title), _style("heading"))]
        for part in section.parts:
            flow += [*_part(part, pages.width - 2 * FRAME_PADDING), Spacer(0, 6)]

    def footer(canvas: Any, template: Any) -> None:
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillColor(SOFT)
        canvas.drawString(template.leftMargin, 12 * mm, document.title)
        canvas.drawRightString(A4[0] - template.rightMargin, 12 * mm, str(template.page))

    pages.build(flow, onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()


@cache
def _register_fonts() -> None:
    """The fonts that matplotlib brings: they have the Greek letters and signs that PDF's own lack."""
    import matplotlib
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (REGULAR, BOLD):
        registerFont(TTFont(name, str(folder / f"{name}.ttf")))


@cache
def _style(name: str) -> Any:
    from reportlab.lib.enums import TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    plain: dict[str, Any] = {"fontName": REGULAR, "fontSize": 9, "leading": 12.5, "textColor": INK}
    changes: dict[str, dict[str, Any]] = {
        "title": {"fontName": BOLD, "fontSize": 18, "leading": 22, "spaceAfter": 3},
        "subtitle": {"textColor": SOFT, "spaceAfter": 6},
        "heading": {
            "fontName": BOLD,
            "fontSize": 12.5,
            "leading": 16,
            "spaceBefore": 10,
            "spaceAfter": 4,
        },
        "body": {"spaceAfter": 3},
        "caption": {"fontSize": 7.5, "leading": 10, "textColor": SOFT},
        "cell": {"fontSize": 7.8, "leading": 10, "splitLongWords": 1},
        "head": {"fontName": BOLD, "fontSize": 7.8, "leading": 10, "textColor": SOFT},
        "small": {"fontSize": 6.3, "leading": 7.4},
        "small head": {"fontName": BOLD, "fontSize": 6.3, "leading": 7.4, "textColor": SOFT},
    }
    base, _, aligned = name.partition(" right")
    return ParagraphStyle(
        name, **plain | changes[base] | ({"alignment": TA_RIGHT} if aligned or name.endswith(" right") else {})
    )


def _part(part: Part, width: float) -> list[Any]:
    from reportlab.platypus import Image, KeepTogether, ListFlowable, Paragraph

    match part:
        case Table():
            return [_table(part, width)]
        case Picture():
            drawn = io.BytesIO()
            part.figure.savefig(drawn, format="png", dpi=PICTURE_DPI, metadata={"Software": None})
            across, down = part.figure.get_size_inches()
            image = Image(drawn, width, width * down / across)
            return [KeepTogether([image, Paragraph(escape(part.caption), _style("caption"))])]
        case Bullets():
            items = [Paragraph(escape(item), _style("body")) for item in part.items]
            return [
                ListFlowable(
                    items, bulletType="bullet", start="•", leftIndent=12, bulletFontName=REGULAR, bulletFontSize=8
                )
            ]
        case _:
            return [Paragraph(escape(part), _style("body"))]


def _table(table: Table, width: float) -> Any:
    from reportlab.platypus import LongTable

    head, body = ("small head", "small") if table.small else ("head", "cell")
    rows = [
        [_cell(cell, f"{style} right" if i in table.numbers else style) for i, cell in enumerate(row)]
        for style, group in ((head, [table.header]), (body, table.rows))
        for row in group
    ]
    total, pad = sum(table.widths), 1.0 if table.small else 2.5
    return LongTable(
        rows,
        colWidths=[width * each / total for each in table.widths],
        repeatRows=1,
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), pad),
            ("BOTTOMPADDING", (0, 0), (-1, -1), pad),
            ("LEFTPADDING", (0, 0), (-1, -1), 4),
            ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ("LINEBELOW", (0, 0), (-1, 0), 1, LINE),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), ["#ffffff", BAND]),
        ],
    )


def _cell(cell: Cell, style: str) -> Any:
    from reportlab.platypus import Paragraph

    if isinstance(cell, Mark):
        colour = {True: GOOD, False: BAD, None: SOFT}[cell.good]
        return Paragraph(f'<font name="{BOLD}" color="{colour}">{escape(cell.text)}</font>', _style(style))
    return Paragraph(escape(cell), _style(style))
