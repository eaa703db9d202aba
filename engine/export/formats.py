"""From an order to the bytes of its file."""

from engine.export import docx, evidence, html, markdown, pdf
from engine.export.manuscript import Order
from engine.export.reading import read


def write(order: Order) -> bytes:
    """Return the file that was ordered.

    Raises:
        Invalid: the Word file to build on cannot be used.
    """
    manuscript, style = order.manuscript, order.style
    if order.format == "evidence":
        return evidence.write(manuscript)
    document = read(manuscript)
    match order.format:
        case "docx":
            return docx.write(document, style, order.base, manuscript.exported_at)
        case "pdf":
            return pdf.write(document, style, manuscript.exported_at)
        case "markdown":
            return markdown.write(document, style)
        case "html":
            return html.write(document, style)
