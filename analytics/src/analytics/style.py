"""The report's style sheet."""

STYLE = """
:root{--paper:#fbfbf9;--card:#fff;--ink:#1d2433;--soft:#667085;--line:#e4e5e0;--bar:#2f6f8f;--mark:#d9822b}
@media (prefers-color-scheme:dark){:root{--paper:#14171c;--card:#1c2027;--ink:#e7e9ee;--soft:#98a1b0;--line:#2c323c;--bar:#5aa6c8;--mark:#f0a552}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:34px;line-height:1.15;margin:0 0 6px;letter-spacing:-.02em}
h2{font-size:22px;margin:48px 0 14px;letter-spacing:-.01em}
h3{font-size:16px;margin:0}
h3:not(figcaption h3){margin:26px 0 10px}
.sub,figcaption p,.none,summary span,.tile span{color:var(--soft)}
.sub{margin:0;overflow-wrap:anywhere}
.notice{background:var(--card);border-left:4px solid var(--mark);padding:14px 18px;border-radius:6px}
.findings{list-style:none;margin:16px 0 0;padding:18px 22px;background:var(--card);border:1px solid var(--line);border-left:4px solid var(--bar);border-radius:10px;font-size:17px}
.findings li+li{margin-top:4px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:28px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;min-width:0}
.tile b{display:block;font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}
.grid{columns:2 440px;column-gap:16px}
figure{margin:0 0 16px;break-inside:avoid;overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px}
figcaption{margin-bottom:14px}figcaption p{margin:2px 0 0;font-size:14px}
svg{display:block;width:100%;min-width:400px;max-width:820px;height:auto;font-size:13px}
svg text{fill:var(--ink)}svg .note,svg .label{fill:var(--soft)}
.bar{fill:var(--bar)}.axis{stroke:var(--line)}
.cell{fill:var(--bar)}.cell.best{stroke:var(--mark);stroke-width:2.5}
.number{font-size:12px}.number.light{fill:var(--card)}
details{background:var(--card);border:1px solid var(--line);border-radius:8px;margin-bottom:8px;padding:0 18px}
summary{cursor:pointer;padding:12px 0;font-weight:600}summary span{font-weight:400;margin-left:8px}
.wide{overflow-x:auto;margin:0 0 14px}
table{border-collapse:collapse;font-size:14px}
th{text-align:left;color:var(--soft);font-weight:500;white-space:nowrap}
th,td{padding:6px 32px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}
.long{min-width:24ch;overflow-wrap:anywhere}
@media (max-width:560px){main{padding:24px 16px 60px}figure{padding:16px}details{padding:0 14px}}
a{color:var(--bar)}code{font-size:.93em}
"""
