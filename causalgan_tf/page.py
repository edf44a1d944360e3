"""Pieces of a self-contained HTML page: tables, cards, pictures inside the text."""

import base64
import html
import io
from collections.abc import Iterable, Sequence

from PIL import Image

STYLE = """
:root{--ink:#1d2433;--muted:#667085;--line:#e4e7ee;--soft:#f6f7fa;--accent:#2f6fed}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1140px;margin:0 auto;padding:40px 24px 72px}
h1{font-size:30px;letter-spacing:-.02em;margin:0 0 4px}
h2{font-size:21px;letter-spacing:-.01em;margin:52px 0 6px;padding-top:20px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:22px 0 8px}
p{margin:6px 0 14px;max-width:76ch}
.note{color:var(--muted);font-size:14px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:14px;margin:24px 0 8px}
.card{background:var(--soft);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.card b{display:block;font-size:28px;line-height:1.25;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.card span{display:block;font-weight:600;font-size:14px}
.card small{display:block;color:var(--muted);font-size:13px;line-height:1.4;margin-top:4px}
.scroll{overflow-x:auto;margin:10px 0 14px}
table{border-collapse:collapse;font-size:14.5px;font-variant-numeric:tabular-nums}
th,td{padding:6px 14px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{color:var(--muted);font-weight:600;font-size:13px;border-bottom:2px solid var(--line);vertical-align:bottom}
tr.total td{font-weight:600}
tr.control td{color:var(--muted)}
figure{margin:0 0 6px}
figure img{display:block;max-width:100%;height:auto}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:26px 36px;margin:14px 0}
pre{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow-x:auto;
font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}
details{margin:8px 0}
summary{cursor:pointer;font-weight:600;font-size:14.5px}
"""

NOTHING = "–"
Card = tuple[str, str, str]  # name, figure, what it means


def document(title: str, body: Iterable[str]) -> str:
    """A whole page: nothing in it is loaded from elsewhere."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def heading(text: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{html.escape(text)}</h{level}>"


def paragraph(text: str, note: bool = False) -> str:
    """A paragraph of plain text; a note is set smaller and grey."""
    return f"<p{' class=note' if note else ''}>{html.escape(text)}</p>"


def decimal(value: float | None, digits: int = 3) -> str:
    """A number as a cell of a table; a dash for None."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def cards(rows: Iterable[Card]) -> str:
    """Headline figures."""
    parts = [
        f'<div class="card"><span>{html.escape(name)}</span><b>{html.escape(figure)}</b>'
        f"<small>{html.escape(meaning)}</small></div>"
        for name, figure, meaning in rows
    ]
    return f'<div class="cards">{"".join(parts)}</div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]], styles: dict[int, str] | None = None) -> str:
    """A table.

    Args:
        header: names of the columns.
        rows: cells, as text.
        styles: number of a row to its style, "total" or "control".
    """
    styles = styles or {}
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    lines = []
    for place, row in enumerate(rows):
        style = f' class="{styles[place]}"' if place in styles else ""
        lines.append(f"<tr{style}>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def picture(image: Image.Image, text: str, width: int | None = None) -> str:
    """A picture inside the page.

    Args:
        image: the picture.
        text: the words that stand for it where it cannot be seen.
        width: pixels of the page that it takes up; None: as many as it has.
    """
    file = io.BytesIO()
    image.save(file, format="PNG")
    data = base64.b64encode(file.getvalue()).decode("ascii")
    size = f' width="{width or image.width}"'
    return f'<figure><img alt="{html.escape(text)}"{size} src="data:image/png;base64,{data}"></figure>'


def pair(parts: Iterable[str]) -> str:
    """Parts side by side where the window is wide enough."""
    return f'<div class="pair">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


def folded(title: str, body: str) -> str:
    """A part that opens on a click."""
    return f"<details><summary>{html.escape(title)}</summary>{body}</details>"


def code(text: str) -> str:
    """Preformatted text."""
    return f"<pre>{html.escape(text)}</pre>"
