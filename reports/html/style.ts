/** The report's style sheet: one string, inlined. Okabe-Ito colours, light and dark, print and forced colours. */
export const REPORT_CSS = `
:root { color-scheme: light dark; --bg:#fff; --fg:#1b1b1b; --soft:#5a5a5a; --line:#c8c8c8; --panel:#f6f6f4; --bad:#b3261e; --good:#00684a; --blue:#0072b2; --orange:#a85400; --purple:#8e4a78; --sky:#3b83ab; --yellow:#7d6a00 }
@media (prefers-color-scheme: dark) { :root { --bg:#16171a; --fg:#ececec; --soft:#b0b0b0; --line:#44464c; --panel:#1f2126; --bad:#ff8a80; --good:#5fd4a8; --blue:#6fb8e8; --orange:#f0a050; --purple:#d9a0c6; --sky:#8fd0f0; --yellow:#e6d050 } }
* { box-sizing: border-box } body { margin:0; background:var(--bg); color:var(--fg); font:16px/1.5 system-ui,sans-serif }
header { position:sticky; top:0; z-index:2; background:var(--bg); border-bottom:1px solid var(--line); padding:.5rem 1.5rem; display:flex; flex-wrap:wrap; gap:.25rem 1rem; align-items:baseline }
header strong { font-size:1.1rem } main { padding:0 1.5rem 4rem; max-width:1500px; margin:0 auto }
nav { display:flex; flex-wrap:wrap; gap:.25rem 1rem; padding:.75rem 0 } a { color:var(--blue) }
h2 { margin:2.25rem 0 .5rem; border-bottom:1px solid var(--line); padding-bottom:.25rem } h3 { margin:1.25rem 0 .25rem } h4 { margin:.5rem 0 .25rem }
.badge { border:2px solid currentColor; border-radius:.3rem; padding:0 .5rem; font-weight:700; letter-spacing:.03em } .badge.bad { color:var(--bad) } .badge.good { color:var(--good) }
.lead { font-size:1.35rem; margin:.75rem 0 } dl.six { display:grid; grid-template-columns:minmax(9rem,14rem) 1fr; gap:.75rem 1.5rem } dl.six dt { font-weight:650; color:var(--soft) } dl.six dd { margin:0 }
code, pre, time, .mono { font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; font-size:.9em } pre { background:var(--panel); border:1px solid var(--line); border-radius:.4rem; padding:.75rem; overflow:auto; white-space:pre-wrap; overflow-wrap:anywhere }
table { border-collapse:collapse } th,td { border:1px solid var(--line); padding:.25rem .6rem; text-align:left; vertical-align:top } th { background:var(--panel); font-weight:600 } small { display:block; color:var(--soft); font-size:.78rem }
.scroll { overflow:auto; max-height:85vh; border:1px solid var(--line); border-radius:.4rem } .scroll table { border:none }
.passes { color:var(--good); font-weight:650 } .still { color:var(--soft) } ol.plain { list-style:none; padding:0; margin:0 } .columns { display:grid; grid-template-columns:repeat(auto-fit,minmax(20rem,1fr)); gap:1rem }
td.cell { text-align:center; min-width:3.2rem } td.ghost { text-decoration:line-through; color:var(--soft); border-style:dashed } td.divergent { border:4px double var(--bad) } td.control { font-style:italic }
.epoch0 { border-top:4px solid var(--blue) } .epoch1 { border-top:4px solid var(--orange) } .epoch2 { border-top:4px dashed var(--good) } .epoch3 { border-top:4px dotted var(--purple) } .epoch4 { border-top:4px double var(--sky) } .epoch5 { border-top:4px dashed var(--yellow) }
.alert { border-left:4px solid var(--bad); padding:.25rem .75rem; background:var(--panel) } .visually-hidden { position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%) }
svg text { fill:var(--fg); font:12px system-ui,sans-serif } svg .time { font:11px ui-monospace,monospace; fill:var(--soft) } svg .host { font-weight:650; font-size:13px } svg .group { fill:var(--soft); font-size:11px } svg .label { font-size:10.5px; fill:var(--soft) } svg .note { font-size:11px }
svg .tick { stroke:var(--line); stroke-width:.5 } svg .life { stroke:var(--soft); stroke-width:1.5 } svg .life.client { stroke-dasharray:2 3 } svg .hatch { stroke:var(--soft); stroke-width:2 } svg .dot { fill:var(--soft) }
svg .span { stroke:var(--soft); stroke-width:.5; fill-opacity:.75 } svg .span.down { fill:url(#hatch) } svg .span.paused { fill:url(#dots) } svg .span.cut { fill:var(--orange); fill-opacity:.25 } svg .span.skewed { fill:var(--purple); fill-opacity:.25 } svg .span.slow { fill:var(--yellow); fill-opacity:.25 }
svg .message line { stroke:var(--blue); stroke-width:1.2 } svg .message circle { fill:var(--blue) } svg .message.late line { stroke:var(--orange); stroke-dasharray:5 3 } svg .message.late circle { fill:var(--bg); stroke:var(--orange); stroke-width:1.5 } svg .message.lost line { stroke:var(--bad) } svg .cross { fill:var(--bad); font-size:16px; font-weight:700 }
svg .mark text { font-size:15px } svg .mark.fault text, svg .mark.crash text, svg .mark.truncate text { fill:var(--bad) } svg .mark.leader text { fill:var(--good) }
@media print { header { position:static } .scroll { max-height:none; overflow:visible } details { display:block } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior:smooth } }
@media (forced-colors: active) { .badge, td.ghost, td.divergent { forced-color-adjust:auto } }
@media (max-width: 50rem) { dl.six { grid-template-columns:1fr } main { padding:0 .75rem 3rem } }
`
