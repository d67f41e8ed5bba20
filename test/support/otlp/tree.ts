/** One trace as people read it: who called whom, how long it took, what came of it. */
import type { OtlpSpan } from './trace-message.ts';

/** Those worth a look beside the name. */
const SHOWN = /^(?:relay\.(?!door)|http\.response|error\.type|messaging\.destination\.partition)/;

/** Lines of the trace, children below their parents in order of time; links into other spans are named at the end. */
export function traceTree(spans: readonly OtlpSpan[], traceId: string): string {
  const own = spans.filter((span) => span.traceId === traceId);
  const ids = new Set(own.map((span) => span.spanId));
  const startNs = own.map((span) => span.startNs).reduce((a, b) => (a < b ? a : b));
  const lines: string[] = [];

  function show(span: OtlpSpan, before: { own: string; below: string }): void {
    const facts = Object.entries(span.attributes)
      .filter(([key]) => SHOWN.test(key))
      .map(([key, value]) => `${key.split('.').slice(-2).join('.').replace('relay.', '')}=${String(value)}`);
    const label = `${before.own}${span.name}`;
    const at = ms(span.startNs - startNs).padStart(7);
    const took = ms(span.endNs - span.startNs).padStart(7);
    lines.push(`${at} ${took}  ${label.padEnd(52)} ${span.kind.padEnd(8)} ${facts.join(' ')}`.trimEnd());
    const below = children(span);
    below.forEach((child, index) => {
      const last = index === below.length - 1;
      show(child, { own: `${before.below}${last ? '└─ ' : '├─ '}`, below: `${before.below}${last ? '   ' : '│  '}` });
    });
  }
  function children(parent: OtlpSpan): OtlpSpan[] {
    return own.filter((span) => span.parentSpanId === parent.spanId).sort((a, b) => Number(a.startNs - b.startNs));
  }

  const roots = own.filter((span) => span.parentSpanId === null || !ids.has(span.parentSpanId));
  for (const root of roots) show(root, { own: '', below: '' });
  return [`  at ms    took  trace ${traceId}`, ...lines].join('\n');
}

function ms(ns: bigint): string {
  return (Number(ns) / 1e6).toFixed(1);
}
