/** One small sheet for all pages; dark and light by the reader's setting. */
export const STYLE = `
:root{color-scheme:light dark;--line:light-dark(#d0d7de,#3d444d);--dim:light-dark(#57606a,#9198a1);--bg:light-dark(#fff,#0d1117);--fg:light-dark(#1f2328,#e6edf3)}
*{box-sizing:border-box}
body{margin:0;font:15px/1.45 system-ui,sans-serif;background:var(--bg);color:var(--fg)}
header{padding:.6rem 1rem;border-bottom:1px solid var(--line)}
header a{color:inherit;font-weight:600;text-decoration:none}
main{max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.35rem;margin:.4rem 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:1.6rem 0 .5rem}
a{color:light-dark(#0550ae,#79b8ff)}
table{border-collapse:collapse;width:100%}
th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--dim);font-weight:600;font-size:.85rem}
td.num{text-align:right}
td time,.when{white-space:nowrap;font-variant-numeric:tabular-nums}
.badge{display:inline-block;padding:.05rem .5rem;border-radius:1rem;font-size:.85rem;border:1px solid currentColor}
.badge.critical,.badge.error{color:light-dark(#b3261e,#ff8e85)}
.badge.warning{color:light-dark(#7a4d00,#f2b84b)}
.badge.info{color:light-dark(#0550ae,#79b8ff)}
.badge.over{color:light-dark(#1a6b33,#63d188)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.said{border-left:3px solid var(--line);padding-left:.8rem;margin:.4rem 0;overflow-wrap:anywhere}
.dim{color:var(--dim)}
form.filter{margin:0 0 1rem}
input,button{font:inherit;padding:.3rem .5rem}
@media (max-width:40rem){th,td{padding:.3rem .35rem}table{font-size:.9rem}}
`;
