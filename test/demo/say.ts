/** Lines on standard output: readable in a file as on a terminal, colours on a terminal only. */
import { styleText } from 'node:util';
import { DOORS } from './doors.ts';
import type { PlayedScene } from './play.ts';

export interface Say {
  line(text?: string): void;
  heading(text: string): void;
  scene(played: PlayedScene): void;
  verdict(ok: boolean, text: string): void;
  /** Columns are as wide as their widest cell; the last one is never padded. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
}

type Style = 'bold' | 'dim' | 'green' | 'red';

/** `onUnheard` is told when nobody listens any more, as in `npm run demo | head`. */
export function createSay(stream: NodeJS.WriteStream, onUnheard: () => void): Say {
  stream.on('error', onUnheard);
  // On a terminal styleText still asks the environment (NO_COLOR); elsewhere nothing may turn colours on.
  const style = (format: Style, text: string): string => (stream.isTTY ? styleText(format, text, { stream }) : text);
  const line = (text = ''): void => void stream.write(`${text}\n`);
  return {
    line,
    heading: (text) => (line(), line(style('bold', text))),
    scene({ scene, outcomes, durationMs }) {
      const signals = `${scene.bodies.length} signal${scene.bodies.length === 1 ? '' : 's'} by ${DOORS[scene.door]}`;
      line(`${style('dim', scene.when)}  ${scene.says}`);
      const brought =
        scene.bodies.length > 0 ? `${signals}: ${countsInWords(outcomes)}` : `seen by ${DOORS[scene.door]}`;
      line(
        `             ${brought}  ->  ${scene.told.join(', ')} up to date  ` +
          style('dim', `${Math.round(durationMs)} ms`),
      );
    },
    verdict: (ok, text) => line(`${ok ? style('green', 'ok  ') : style('red', 'FAIL')}  ${text}`),
    table(head, rows) {
      const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? '').length)));
      const lineOf = (cells: readonly string[]): string =>
        cells.map((cell, i) => (i === head.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ');
      line(style('dim', lineOf(head)));
      for (const row of rows) line(lineOf(row));
    },
  };
}

/** `opened 1, updated 24` */
export function countsInWords(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => a - b)
    .map(([word, n]) => `${word} ${n}`)
    .join(', ');
}
