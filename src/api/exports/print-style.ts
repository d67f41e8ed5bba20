/** The sheet of the HTML export. */
export const PRINT_STYLE = `
body{font:13px/1.45 system-ui,sans-serif;margin:2em auto;max-width:64em;padding:0 1em;color:#1f2328;background:#fff}
h1{font-size:1.5em}h2{font-size:1.15em;margin:1.6em 0 .4em}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d0d7de;padding:.3em .5em;text-align:left;vertical-align:top}
tr{break-inside:avoid-page}h2{break-after:avoid-page}td.when{white-space:nowrap}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dt{color:#57606a}dd{margin:0}
blockquote{margin:.4em 0;padding-left:.8em;border-left:3px solid #d0d7de;overflow-wrap:anywhere}
.dim{color:#57606a}.columns{columns:3}
tr.microsoft td:first-child{border-left:4px solid #0550ae}tr.source td:first-child{border-left:4px solid #7a4d00}
tr.person td:first-child{border-left:4px solid #8250df}tr.relay td:first-child{border-left:4px solid #d0d7de}
.axis{width:100%;height:auto;margin:1em 0}.axis text{font:11px system-ui,sans-serif;fill:#57606a}.axis .lane{fill:#1f2328}
.axis .grid,.axis .rail{stroke:#e6e9ed}.axis .event{stroke:#1a6b33;stroke-dasharray:4 3}.axis .break{fill:none;stroke:#57606a}
.impact.over,.impact.open{fill:#b3261e}.impact.after{fill:#e8a39f}.impact.planned{fill:none;stroke:#0550ae;stroke-dasharray:5 3}
.mark.said{fill:#0550ae}.mark.good{fill:#1a6b33}.mark.bad{stroke:#b3261e;stroke-width:2.5}.mark.ack{fill:#8250df}.mark.person{fill:#fff;stroke:#8250df;stroke-width:2}.mark.evidence{fill:#7a4d00}
@media print{body{margin:0;max-width:none;font-size:10pt}@page{margin:14mm}}
`;
