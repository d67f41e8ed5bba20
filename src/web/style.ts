/** One sheet for all pages: dark and light by the reader's setting, from a phone to a wall, and on paper. */
export const STYLE = `
:root{color-scheme:light dark;--bg:light-dark(#fff,#0d1117);--soft:light-dark(#f6f8fa,#161b22);--line:light-dark(#d0d7de,#3d444d);--fg:light-dark(#1f2328,#e6edf3);--dim:light-dark(#57606a,#9da7b3);--red:light-dark(#b3261e,#ff8e85);--amber:light-dark(#7a4d00,#f2b84b);--blue:light-dark(#0550ae,#79b8ff);--green:light-dark(#1a6b33,#63d188);--violet:light-dark(#6f42c1,#c8a2ff)}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;background:var(--bg);color:var(--fg)}
a{color:var(--blue)}
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:.5rem;top:.5rem;background:var(--bg);padding:.4rem;z-index:9}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
header{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem 1.2rem;padding:.5rem 1rem;border-bottom:1px solid var(--line);background:var(--soft)}
header .home{color:inherit;font-weight:700;text-decoration:none}
header nav{display:flex;gap:1rem;flex:1}
header nav a{text-decoration:none;padding:.2rem 0}header nav a[aria-current]{color:inherit;font-weight:600;border-bottom:2px solid var(--blue)}
header form,header p{margin:0}
#live-note{font-size:.87rem;color:var(--dim)}
#live-note:empty{display:none}
#live-note::before{content:"";display:inline-block;width:.6rem;height:.6rem;border-radius:50%;background:var(--green);margin-right:.4rem}
#live-note[data-state=down]{color:var(--red);font-weight:600}#live-note[data-state=down]::before{background:var(--red)}
main{max-width:78rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem;line-height:1.3;margin:.3rem 0;overflow-wrap:anywhere}
h2{font-size:1.08rem;margin:1.8rem 0 .5rem}h2 .dim{font-weight:400}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
table{border-collapse:collapse;width:100%}
th,td{padding:.4rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--dim);font-weight:600;font-size:.85rem}
.num{text-align:right;font-variant-numeric:tabular-nums}
td.wide{min-width:14rem;overflow-wrap:anywhere}td.short{white-space:nowrap}.small{font-size:.85rem}
time{white-space:nowrap;font-variant-numeric:tabular-nums}
.badge{display:inline-block;padding:0 .5rem;border-radius:1rem;font-size:.85rem;border:1px solid currentColor;white-space:nowrap;color:var(--dim)}
.badge.critical,.badge.error{color:var(--red)}.badge.critical{background:var(--red);color:var(--bg);border-color:var(--red)}
.badge.warning{color:var(--amber)}.badge.info{color:var(--blue)}.badge.over{color:var(--green)}
.dim{color:var(--dim)}.good{color:var(--green)}.bad{color:var(--red)}
.id,.receipt{font-size:.85rem;overflow-wrap:anywhere}.id{font-family:ui-monospace,monospace}
.alert{border:1px solid var(--amber);border-left-width:5px;padding:.5rem .8rem;margin:.5rem 0;background:var(--soft)}
.quiet-line{color:var(--dim)}
.under{margin:.2rem 0 1rem}
.tests{border:1px solid var(--line);border-left:5px solid var(--blue);background:var(--soft);padding:.1rem 1rem .4rem;margin:.8rem 0}
.tests h2{margin:.6rem 0 .2rem}.tests ul{list-style:none;margin:0;padding:0}
form.filter{display:flex;flex-wrap:wrap;gap:.5rem .8rem;align-items:end}
form.filter details{flex-basis:100%}form.filter .fields{display:flex;flex-wrap:wrap;gap:.5rem .8rem;margin:.5rem 0}
form.filter .grow{flex:1;min-width:13rem}form.filter .grow input{width:100%}
label{font-size:.87rem;color:var(--dim)}label input,label select,label textarea{display:block;color:var(--fg)}
.stack{max-width:44rem}.stack textarea,.stack input{width:100%}.stack p{display:flex;flex-wrap:wrap;gap:.5rem;margin:.6rem 0}
input,button,select,textarea{font:inherit;min-height:2.35rem;padding:.35rem .55rem;border:1px solid var(--line);border-radius:.3rem;background:var(--bg);color:var(--fg)}
::placeholder{color:var(--dim);opacity:1}
button{background:var(--blue);border-color:var(--blue);color:var(--bg);cursor:pointer}
button.quiet{background:transparent;color:var(--blue)}header button.quiet{padding:.1rem .5rem;min-height:0}
summary{cursor:pointer;color:var(--blue)}
dl.facts{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:0 0 1rem}dl.facts div{max-width:34rem}
dt{color:var(--dim);font-size:.85rem}dd{margin:0;overflow-wrap:anywhere}
ol.clocks{list-style:none;padding:0;margin:0 0 .6rem;display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.5rem}
ol.clocks li{border:1px solid var(--line);border-radius:.4rem;padding:.4rem .6rem;background:var(--soft);display:flex;flex-direction:column}
ol.clocks li.open{border-style:dashed;background:none}ol.clocks .label{font-size:.85rem;color:var(--dim)}ol.clocks time{font-weight:600}ol.clocks .dim{font-size:.85rem}
.axis-box{overflow-x:auto}
.axis{display:block;width:100%;min-width:42rem;height:auto}
.axis text{font:11px system-ui,sans-serif;fill:var(--dim)}.axis .lane{fill:var(--fg)}.axis .count{fill:var(--fg);font-weight:600}
.axis .grid,.axis .rail{stroke:var(--line)}.axis .grid{opacity:.6}
.axis .event{stroke:var(--green);stroke-width:1.5;stroke-dasharray:4 3}.axis .break{fill:none;stroke:var(--dim)}
.impact.over,.impact.open{fill:var(--red)}.impact.after{fill:var(--red);opacity:.4}.impact.planned{fill:none;stroke:var(--blue);stroke-dasharray:5 3}
.band{fill:var(--amber);opacity:.55}
.mark{stroke:var(--bg);stroke-width:1}.mark.said{fill:var(--blue)}.mark.good{fill:var(--green)}.mark.evidence{fill:var(--amber)}.mark.ack{fill:var(--violet)}
.mark.bad{stroke:var(--red);stroke-width:2.5;fill:none}.mark.person{fill:var(--bg);stroke:var(--violet);stroke-width:2}
.key{font-size:.85rem;margin:.2rem 0 0}.dot{display:inline-block;width:.7rem;height:.7rem;border-radius:50%;margin:0 .2rem 0 .7rem}
.dot.said{background:var(--blue)}.dot.good{background:var(--green)}.dot.bad{color:var(--red);font-weight:700;line-height:.7}.dot.ack,.dot.person{border-radius:0;transform:rotate(45deg);background:var(--violet)}.dot.person{background:none;border:2px solid var(--violet)}
.evidence{border:1px solid var(--line);border-radius:.4rem;padding:.1rem .9rem .6rem;margin:.7rem 0}.evidence h3{margin:.6rem 0 .2rem}.evidence p{margin:.3rem 0;overflow-wrap:anywhere}.evidence pre{white-space:pre-wrap;overflow-wrap:anywhere}ul.plain{list-style:none;padding:0;margin:.4rem 0}ul.plain li{margin:.25rem 0;overflow-wrap:anywhere}
.chart{margin:.6rem 0}.chart svg{display:block;width:100%;height:6.5rem;border-bottom:1px solid var(--dim);background:var(--soft)}.chart .fine{fill:var(--blue);opacity:.4}.chart .failed{fill:var(--red)}.chart .none{fill:var(--dim);opacity:.5}
.chart line.began{stroke:var(--fg);stroke-width:1.5;stroke-dasharray:4 3;vector-effect:non-scaling-stroke}.chart .ticks{display:flex;justify-content:space-between;font-size:.85rem;font-variant-numeric:tabular-nums;gap:.3rem}
.dot.good-bar{background:var(--blue);opacity:.4;border-radius:0}.dot.bad-bar{background:var(--red);border-radius:0}.chart .key{display:flex;flex-wrap:wrap;gap:0 1rem}.chart .key>span{white-space:nowrap}.chart .key .dot{margin-left:0}
.latest{border:1px solid var(--line);border-left:5px solid var(--blue);padding:.1rem 1rem .6rem;margin:1.2rem 0 0;background:var(--soft)}.latest h2{margin:.6rem 0 .2rem}
.said{overflow-wrap:anywhere;max-width:60rem}.said p{margin:.4rem 0}.said.pre{white-space:pre-wrap}
ol.story{list-style:none;margin:0;padding:0}
ol.story>li{display:grid;grid-template-columns:9.5rem 1fr;gap:0 .8rem;padding:.35rem 0 .35rem .7rem;border-left:4px solid var(--line);overflow-wrap:anywhere}
ol.story>li+li{margin-top:2px}ol.story>li:target{background:var(--soft)}
ol.story .microsoft{border-color:var(--blue);background:var(--soft)}ol.story .source{border-color:var(--amber)}ol.story .person{border-color:var(--violet)}ol.story .failed{border-color:var(--red)}
ol.story .who{font-weight:600}ol.story .when{display:flex;flex-direction:column}ol.story .when .dim{font-size:.85rem}ol.story .relay .who{font-weight:400;color:var(--dim)}
ul.changes{margin:.2rem 0;padding-left:1.2rem;color:var(--dim)}ol.attempts{margin:.3rem 0;padding-left:1.3rem;font-size:.9rem}
.links a{margin-right:1.2rem;white-space:nowrap;display:inline-block}
.op{border:1px solid var(--line);border-radius:.4rem;padding:.4rem .8rem;margin:.5rem 0}.op code{font-weight:600}.op h2{margin:.2rem 0;font-size:1rem}.op p,.op ul{margin:.25rem 0}pre{overflow-x:auto;background:var(--soft);padding:.6rem;font-size:.85rem}
@media (max-width:46rem){
main{padding:.7rem}header{padding:.4rem .7rem}header nav{order:3;flex-basis:100%;gap:1.1rem}#live-note{margin-left:auto}
table.list thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.list tr{display:flex;flex-wrap:wrap;gap:.1rem .7rem;padding:.6rem 0;border-bottom:1px solid var(--line)}
table.list td{display:block;padding:0;border:0}table.list td:empty{display:none}table.list td.wide{flex-basis:100%;order:-1;font-size:1rem}table.list td.num{text-align:left}
td[data-label]:not(:empty)::before{content:attr(data-label) " ";color:var(--dim);font-size:.85rem}
.chart .ticks span:nth-child(even){display:none}ol.clocks{grid-template-columns:1fr;gap:0}ol.clocks li,ol.clocks li.open{border:0;border-bottom:1px solid var(--line);border-radius:0;background:none;padding:.25rem 0;display:grid;grid-template-columns:1fr auto;gap:0 .8rem}ol.clocks .dim:last-child{grid-column:1/-1}ol.clocks .dim:empty{display:none}ol.story>li{grid-template-columns:1fr}ol.story .when{flex-direction:row;gap:.7rem;color:var(--dim);font-size:.87rem}
}
@media (min-width:120rem){html{font-size:133%}body{font-size:1.25rem}main{max-width:110rem}.no-wall{display:none}}
@media print{
:root{color-scheme:light}body{font-size:10pt}header,.skip,.no-print,form{display:none!important}main{max-width:none;padding:0}
details.post::details-content{content-visibility:visible!important;block-size:auto!important}details.post summary{display:none}summary{list-style:none;color:inherit}td.wide{min-width:0}
ol.story>li,tr{break-inside:avoid}h2{break-after:avoid}a{color:inherit;text-decoration:none}.axis{min-width:0}
}
`;
