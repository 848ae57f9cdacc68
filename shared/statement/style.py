"""How a statement's page looks: on a screen, on a telephone (where each row of a table is a list) and on paper."""

STYLE = """
:root { --ink: #1c2733; --faint: #5c6b7a; --line: #d5dce3; --ok: #1a7f4b; --bad: #b3261e; --wait: #8a6100; }
* { box-sizing: border-box; }
body { margin: 0; background: #eef1f4; color: var(--ink);
  font: 14px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei",
    "WenQuanYi Zen Hei", sans-serif; }
main { max-width: 1040px; margin: 24px auto; padding: 40px 48px; background: #fff; border: 1px solid var(--line); }
h1 { margin: 0 0 16px; font-size: 24px; }
h2 { margin: 32px 0 8px; font-size: 15px; color: var(--faint); font-weight: 600; }
p { margin: 4px 0; }
dl { margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 4px 24px; }
dt { font-size: 12px; color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
footer dl { grid-template-columns: 1fr; }
.big { font-size: 26px; font-weight: 600; margin: 0 0 8px; }
.big i { font-size: 14px; font-weight: 400; color: var(--faint); }
.big b { font-size: 15px; border: 1px solid; border-radius: 4px; padding: 2px 10px; vertical-align: 4px; }
.note { color: var(--faint); font-size: 12px; }
.n { font-variant-numeric: tabular-nums; white-space: nowrap; }
.met { color: var(--ok); } .breached { color: var(--bad); } .running { color: var(--wait); }
table { width: 100%; border-collapse: collapse; font-size: 12px; }
th { text-align: left; font-weight: 600; color: var(--faint); border-bottom: 1px solid var(--ink); }
th { white-space: nowrap; }
section { overflow-x: auto; }
th, td { padding: 4px 10px 4px 0; vertical-align: top; unicode-bidi: isolate; }
td { border-bottom: 1px solid var(--line); }
td.t { white-space: pre-line; overflow-wrap: anywhere; min-width: 90px; }
code { font: 11px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; word-break: break-all; color: var(--faint); }
.log code { font-size: 10px; }
.s { color: var(--ink); border-left: 10px solid; padding-left: 6px; }
.s.running { border-color: #d9822b; } .s.held { border-color: #8d5fb0; } .s.pending { border-color: #9fb3c8; }
.s.restored { border-color: #3c9d6b; } .s.struck { border-color: #e0b04c; }
figure { margin: 16px 0 0; } figure svg { width: 100%; height: 28px; display: block; }
rect.running { fill: #d9822b; } rect.held { fill: #8d5fb0; } rect.pending { fill: #9fb3c8; }
rect.restored { fill: #3c9d6b; } rect.struck { fill: #e0b04c; }
@media screen and (max-width: 640px) {
  main { margin: 0; padding: 16px; border: 0; }
  dl { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
  .n { white-space: normal; } .big { font-size: 22px; }
  table, tbody { display: block; } thead { display: none; }
  tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); gap: 6px 16px; padding: 10px 0;
    border-bottom: 1px solid var(--line); }
  td { padding: 0; border: 0; overflow-wrap: anywhere; } td:empty { display: none; } td.t { grid-column: 1 / -1; }
  td::before { content: attr(data-label); display: block; color: var(--faint); }
}
@media print {
  @page { size: A4; margin: 14mm 12mm; }
  body { background: none; font-size: 10pt; }
  main { margin: 0; padding: 0; border: 0; max-width: none; }
  section { overflow: visible; }
  table { font-size: 8pt; } th, td { padding-right: 5px; } code, .log code { font-size: 6.5pt; }
  h2 { break-after: avoid; } tr, dl div { break-inside: avoid; } thead { display: table-header-group; }
  rect, .s { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
