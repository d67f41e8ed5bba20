/** One measured line: what was promised, what was seen. */
export interface Line {
  name: string;
  goal: string;
  value: string;
  detail: string;
}

/** A table in Markdown, ready for docs/performance.md. */
export function table(lines: readonly Line[]): string {
  const rows = lines.map((line) => `| ${line.name} | ${line.goal} | ${line.value} | ${line.detail} |`);
  return ['| what | goal | measured | detail |', '|---|---|---|---|', ...rows].join('\n');
}
