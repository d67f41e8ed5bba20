/** `relay route-test <file.yaml>`: what the routes must do, as cases that a pipeline can run. Calls nobody. */
import { parseCommand, type Command } from './command.ts';
import { openConfig } from './setup.ts';
import type { CaseResult } from './route-cases.ts';
import { plain } from './table.ts';

export const command: Command = {
  name: 'route-test',
  summary: 'run cases: these payloads must reach these destinations; calls nobody',
  usage: `<cases.yaml> [--config file] [--json]

  cases:
    - name: an outage in production pages
      payloads: [payloads/sh-incident-active.json]   # files beside this one, or the JSON itself
      source: prod                                   # optional
      expect:
        destinations: [oncall, channel]              # exactly these, in any order
        kind: outage                                 # optional, like the next three
        state: active
        severity: error
        outcome: opened                              # of the last signal
    - name: a blip pages nobody
      payloads: [payloads/fired.json, payloads/over.json]
      at: [0, 3m]                                    # optional: when each comes; else all at once
      until: 20m                                     # optional: when it is looked at; else at the last payload
      expect:
        messages: { oncall: [] }                     # exactly these: open, update, resolve, note, retract
    - name: patch night is quiet for the pager
      payloads: [payloads/sh-incident-active.json]
      silences: [{ match: { region: West Europe }, destinations: [oncall] }]   # in force, beside those of the config
      expect:
        silenced: [oncall]                           # exactly these are held back

Payloads of a case are folded in order; what is expected is judged on the incident of the last signal. Exit code 1 if
a case fails.

  --config file   (RELAY_CONFIG, else relay.yaml)
  --json          for programs`,
  async run(args, io) {
    const { values, positionals } = parseCommand(args, {
      options: { config: { type: 'string' }, json: { type: 'boolean' } },
      min: 1,
    });
    const [file = ''] = positionals;
    const { config } = await openConfig(io, values.config);
    const { readCases, runCase } = await import('./route-cases.ts');
    const cases = readCases(io, file);
    const now = new Date();
    const results = cases.map((one) => runCase(one, { config, now }));
    const failed = results.filter((result) => !result.ok).length;
    if (values.json === true) io.out(`${JSON.stringify({ failed, cases: results }, null, 2)}\n`);
    else
      io.out(
        `${results.map(caseText).join('')}\n${results.length} case${results.length === 1 ? '' : 's'}, ${failed} failed\n`,
      );
    return failed === 0 ? 0 : 1;
  },
};

function caseText({ ok, name, differences, because }: CaseResult): string {
  if (ok) return `ok    ${plain(name)}\n`;
  const lines = differences.flatMap(({ what, expected, got }) => [
    `      ${what}`,
    `        - expected ${expected}`,
    `        + got      ${got}`,
  ]);
  return [`FAIL  ${plain(name)}`, ...lines, ...because.map((line) => `      ${plain(line)}`)].join('\n').concat('\n');
}
