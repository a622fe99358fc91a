"""How the page looks: dark on light, colours that everybody can tell apart, on a telephone and on paper too.

The two colours are of Okabe and Ito's palette (2008); before is filled and after is outlined, so that they differ without
colour as well.
"""

BEFORE, BEFORE_FILL = "#0072b2", "#b9d9ec"
AFTER, AFTER_FILL = "#c04a00", "#f2c9a8"
INK, FAINT, LINE = "#1f2933", "#52606d", "#cbd2d9"

STYLE = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 1120px; padding: 24px 16px 48px; background: #fff; color: {INK};
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.6rem; line-height: 1.25; margin: 4px 0 12px; }}
h2 {{ font-size: 1.15rem; margin: 36px 0 4px; }}
h3 {{ font-size: 1rem; margin: 0; }}
p {{ margin: 4px 0; }}
.of, .note, caption {{ color: {FAINT}; font-size: .875rem; }}
.verdict {{ border-left: 6px solid {LINE}; padding-left: 14px; }}
.verdict.drift {{ border-color: {AFTER}; }}
.verdict.well {{ border-color: {BEFORE}; }}
.next {{ background: #f5f7fa; border: 1px solid {LINE}; border-radius: 6px; padding: 10px 14px; margin: 18px 0; }}
code {{ font: .85em ui-monospace, "DejaVu Sans Mono", monospace; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; margin: 18px 0; }}
dt {{ color: {FAINT}; font-size: .8rem; }}
dd {{ margin: 0; font-weight: 600; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; table-layout: fixed; }}
caption {{ text-align: left; padding: 0 0 6px; }}
th, td {{ text-align: left; vertical-align: top; padding: 6px 10px 6px 0; border-top: 1px solid {LINE}; }}
thead th {{ color: {FAINT}; font-weight: 400; font-size: .8rem; border: 0; }}
th.column {{ width: 26%; }}
th.effect {{ width: 9%; }}
th.weight {{ width: 11%; }}
th.bar {{ width: 16%; }}
th.p {{ width: 17%; }}
td.bar svg {{ height: 12px; width: 100%; }}
.moved {{ color: {AFTER}; font-weight: 600; white-space: nowrap; }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 16px;
  margin-top: 12px; }}
.card {{ border: 1px solid {LINE}; border-radius: 6px; padding: 12px 14px; break-inside: avoid; }}
.key span {{ margin-right: 18px; white-space: nowrap; }}
.key svg {{ width: 22px; height: 11px; vertical-align: -1px; margin-right: 6px; }}
svg {{ display: block; width: 100%; height: auto; }}
.key svg {{ display: inline; }}
svg text {{ font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: {FAINT}; }}
svg text.name {{ fill: {INK}; }}
@media (max-width: 640px) {{
  thead {{ position: absolute; clip-path: inset(50%); }}
  tr {{ display: block; border-top: 1px solid {LINE}; padding: 8px 0; }}
  th, td, td.bar {{ display: block; width: auto; border: 0; padding: 1px 0; }}
  td[data-name]::before {{ content: attr(data-name) " "; color: {FAINT}; }}
}}
@media print {{ body {{ padding: 0; font-size: 12px; }} * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }} }}
"""
