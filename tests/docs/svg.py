"""Small pieces of SVG, light and dark. Lengths are in pixels."""

from html import escape

STYLE = """
:root { --ground: #ffffff; --group: #f6f8fa; --box: #ffffff; --line: #c3cad3; --ink: #1f2328; --quiet: #59636e;
  --ours: #0b63ce; --ours-fill: #eaf3ff; --on: #1a7f37; --off: #6e7781; --closed: #9a6700; --bad: #b42318 }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --group: #151b23; --box: #0d1117; --line: #3d444d;
  --ink: #e6edf3; --quiet: #9198a1; --ours: #58a6ff; --ours-fill: #11233b; --on: #3fb950; --off: #8b949e;
  --closed: #d29922; --bad: #f47067 } }
text { font-family: -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; font-size: 12px; fill: var(--ink) }
.mono { font-family: ui-monospace, "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace; font-size: 11px }
.title { font-size: 17px; font-weight: 600 } .name { font-size: 14px; font-weight: 600 }
.quiet { fill: var(--quiet); font-size: 11px } .ours { fill: var(--ours) } .on { fill: var(--on) }
.off { fill: var(--off) } .end { text-anchor: end } .middle { text-anchor: middle }
.ground { fill: var(--ground) } .group { fill: var(--group); stroke: var(--line) }
.box { fill: var(--box); stroke: var(--line) } .made { fill: var(--ours-fill); stroke: var(--ours) }
.tag { fill: none; stroke: var(--line) } .way { fill: none; stroke: var(--ours); stroke-width: 1.6 }
.closed { stroke: var(--closed); stroke-dasharray: 5 4 } .head { fill: var(--ours) } .shut { fill: var(--closed) }
.plain { fill: none; stroke: var(--quiet); stroke-width: 1.4 } .tip { fill: var(--quiet) }
.bad { stroke: var(--bad) } .sting { fill: var(--bad) }
.halo { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round }
"""
HEADS = (("head", "head"), ("shut", "shut"), ("tip", "tip"), ("sting", "sting"))


def document(width: int, height: int, title: str, parts: list[str]) -> str:
    """A picture that stands for itself, on a ground of its own."""
    markers = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path class="{css}" d="M0 0 L8 4 L0 8 z"/></marker>'
        for name, css in HEADS
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(title)}">'
    )
    ground = rect(0, 0, width, height, "ground", radius=12)
    return "\n".join([head, f"<style>{STYLE}</style><defs>{markers}</defs>", ground, *parts, "</svg>", ""])


def rect(x: float, y: float, width: float, height: float, css: str, radius: int = 8) -> str:
    return f'<rect class="{css}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"/>'


def text(x: float, y: float, words: str, css: str = "") -> str:
    return f'<text class="{css}" x="{x:g}" y="{y:g}" xml:space="preserve">{escape(words)}</text>'


def path(points: str, css: str, head: str = "head") -> str:
    """An arrow."""
    return f'<path class="{css}" d="{points}" marker-end="url(#{head})"/>'


def elbow(x: float, y: float, to_x: float, to_y: float, middle: float, radius: float = 8) -> str:
    """Along, up or down at `middle`, and along, with round corners."""
    r = min(radius, abs(to_y - y) / 2)
    if r < 1:
        return f"M{x:g} {y:g} H{to_x:g}"
    way = 1 if to_y > y else -1
    return (
        f"M{x:g} {y:g} H{middle - r:g} Q{middle:g} {y:g} {middle:g} {y + way * r:g}"
        f" V{to_y - way * r:g} Q{middle:g} {to_y:g} {middle + r:g} {to_y:g} H{to_x:g}"
    )
