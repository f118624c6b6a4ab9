"""Plots as SVG text, coloured by the page's own variables (so that they follow its light or dark scheme).

Each takes rows of labels and numbers and gives one `<svg>`; every mark has a `<title>`, which browsers show on hover.
"""

from collections.abc import Sequence
from html import escape

_WIDTH = 520
_ROW = 26


def short(value: float) -> str:
    """A count as people write it: `942`, `12.4k`, `5M`."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:,.0f}"


def bars(rows: Sequence[tuple[str, float, str]], width: int = _WIDTH) -> str:
    """Horizontal bars: label, value, and a note behind the value where there is one."""
    left, right = 170, 150
    top = max((value for _, value, _ in rows), default=0) or 1
    parts = []
    for place, (label, value, note) in enumerate(rows):
        behind = f'<tspan class="note">{escape(_cut(f" · {note}", 20))}</tspan>' if note else ""
        y = place * _ROW
        length = max(1.0, value / top * (width - left - right))
        parts.append(
            f'<g><title>{escape(label)}: {value:,.0f} {escape(note)}</title>'
            f'<text class="label" x="{left - 10}" y="{y + 17}" text-anchor="end">{escape(_cut(label, 20))}</text>'
            f'<rect class="bar" x="{left}" y="{y + 4}" width="{length:.1f}" height="{_ROW - 8}" rx="3"/>'
            f'<text class="value" x="{left + length + 8:.1f}" y="{y + 17}">{short(value)}{behind}</text></g>')
    return _svg(width, max(_ROW, len(rows) * _ROW), parts)


def columns(rows: Sequence[tuple[str, float, str]], width: int = _WIDTH, height: int = 220) -> str:
    """Columns side by side: label below, value above."""
    top = max((value for _, value, _ in rows), default=0) or 1
    step = width / max(1, len(rows))
    floor, room = height - 26, height - 56
    parts = [f'<line class="axis" x1="0" x2="{width}" y1="{floor}" y2="{floor}"/>']
    for place, (label, value, note) in enumerate(rows):
        x, tall = place * step, max(1.0, value / top * room)
        middle = x + step / 2
        wide = min(64.0, step * 0.6)
        parts.append(
            f'<g><title>{escape(label)}: {value:,.0f} {escape(note)}</title>'
            f'<rect class="bar" x="{middle - wide / 2:.1f}" y="{floor - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}" rx="3"/>'
            f'<text class="value" x="{middle:.1f}" y="{floor - tall - 8:.1f}" text-anchor="middle">{short(value)}</text>'
            f'<text class="label" x="{middle:.1f}" y="{height - 7}" text-anchor="middle">{escape(_cut(label, 16))}</text></g>')
    return _svg(width, height, parts)


def heatmap(across: Sequence[str], down: Sequence[str], values: dict[tuple[str, str], float], width: int = _WIDTH,
            best: str = "") -> str:
    """Cells of (column, row), darker where higher; `best` marks the highest cell of each `column` or `row`."""
    left, head = 118, 26
    step = (width - left) / max(1, len(across))
    low, high = min(values.values(), default=0), max(values.values(), default=0)
    marked = _best(values, best)
    parts = [f'<text class="label" x="{left + (n + .5) * step:.1f}" y="16" text-anchor="middle">{escape(name)}</text>'
             for n, name in enumerate(across)]
    for row, name in enumerate(down):
        y = head + row * _ROW
        parts.append(f'<text class="label" x="{left - 10}" y="{y + 17}" text-anchor="end">{escape(_cut(name, 16))}</text>')
        for column, over in enumerate(across):
            if (over, name) not in values:
                continue
            value = values[over, name]
            share = (value - low) / (high - low) if high > low else 1
            title = f"{name}, {over}: {value:,.0f}"
            parts.append(_heat(left + column * step, y, step, title, value, share, (over, name) in marked))
    return _svg(width, head + max(1, len(down)) * _ROW, parts)


def _heat(x: float, y: float, step: float, title: str, value: float, share: float, best: bool) -> str:
    """A cell of a heat map; `share`: from 0, the lowest of all, to 1, the highest."""
    opacity = 0.12 + 0.88 * share
    mark, ink = " best" if best else "", " light" if opacity > 0.7 else ""
    return (
        f'<g><title>{escape(title)}</title>'
        f'<rect class="cell{mark}" x="{x + 1.5:.1f}" y="{y + 1.5}" width="{step - 3:.1f}" height="{_ROW - 3}" rx="3" '
        f'fill-opacity="{opacity:.2f}"/>'
        f'<text class="number{ink}" x="{x + step / 2:.1f}" y="{y + 17}" text-anchor="middle">{short(value)}</text></g>')


def _best(values: dict[tuple[str, str], float], best: str) -> set[tuple[str, str]]:
    if not best:
        return set()
    axis, found = 0 if best == "column" else 1, {}
    for cell, value in values.items():
        if value > values.get(found.get(cell[axis]), -1):
            found[cell[axis]] = cell
    return set(found.values())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
