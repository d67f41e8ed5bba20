/** The findings as text: one line each, and under what is not well what it means and what to do. */
import { plain } from '../table.ts';
import type { Finding } from './finding.ts';

const WORDS = { ok: 'ok', warning: 'warning', fault: 'FAULT' } as const;

/** Grouped by area, in the order in which they were looked at. Ends with the sum. */
export function findingsText(findings: readonly Finding[]): string {
  const checkWidth = Math.min(24, Math.max(0, ...findings.map((finding) => finding.check.length)));
  const blocks = Map.groupBy(findings, (finding) => finding.area);
  const text = [...blocks].map(([area, list]) => {
    const lines = list.flatMap((finding) => {
      const head = `  ${WORDS[finding.status].padEnd(7)}  ${plain(finding.check).padEnd(checkWidth)}  ${plain(finding.says)}`;
      const margin = ' '.repeat(11);
      return [
        head,
        ...(finding.means === null ? [] : [`${margin}means: ${plain(finding.means)}`]),
        ...(finding.do === null ? [] : [`${margin}do:    ${plain(finding.do)}`]),
      ];
    });
    return [area, ...lines].join('\n');
  });
  const { faults, warnings, ok } = sums(findings);
  return `${text.join('\n\n')}\n\n${counted(faults, 'fault')}, ${counted(warnings, 'warning')}, ${ok} ok\n`;
}

/** How many of each. */
export function sums(findings: readonly Finding[]): { faults: number; warnings: number; ok: number } {
  const count = (status: Finding['status']): number => findings.filter((finding) => finding.status === status).length;
  return { faults: count('fault'), warnings: count('warning'), ok: count('ok') };
}

function counted(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}
