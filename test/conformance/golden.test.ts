/**
 * What goes out at each step of a life, to the letter (destinations 10.1): a change of any message shows in a review. The
 * files beside this one are written anew by `npx vitest run test/conformance/golden.test.ts -u`.
 */
import { expect, it } from 'vitest';
import type { Adapter, HttpRequest, Memo } from '#src/core/adapter.ts';
import { createHttpClient } from '#src/http/client.ts';
import { communicationView, makeContext, makeStep } from '#test/support/steps.ts';
import type { ConformanceBench, RunningBench } from './bench.ts';
import type { StepOverrides } from './delivery.ts';
import { forEachAdapter } from './registry.ts';

const post = (id: string, title: string, html: string) => communicationView({ id, title, html });
const OPEN: StepOverrides = {
  route: { runbook: 'https://wiki.example/azure-outage', note: 'Call the shop.', fields: {} },
};
const UPDATE: StepOverrides = {
  action: 'update',
  covers: [2, 2],
  opened: true,
  told: true,
  incident: { revision: 2, severity: 'critical' },
  communication: post(
    '2',
    'Update',
    '<p>Mitigation is <b>under way</b> &amp; helps; see <a href="https://aka.ms/x">x</a>.</p>',
  ),
  changes: ['Severity rose from error to critical.'],
};
const OVER = { state: 'resolved', resolvedAt: '2026-11-23T10:40:00.000Z' } as const;
const RESOLVE: StepOverrides = {
  action: 'resolve',
  covers: [3, 3],
  opened: true,
  told: true,
  incident: { ...OVER, revision: 3, stage: 'Resolved' },
  communication: post('3', 'Resolved', '<p>This issue is mitigated.</p>'),
  changes: ['Stage is now Resolved.'],
};
const ROOT_CAUSE: StepOverrides = {
  action: 'note',
  covers: [4, 4],
  told: true,
  incident: { ...OVER, revision: 4, stage: 'RCA' },
  communication: post('4', 'RCA', '<p>What happened: a faulty configuration.</p>'),
  changes: ['Microsoft posted a root cause analysis.'],
};
const PLANNED = { kind: 'maintenance', state: 'planned', stage: 'Planned', severity: 'info' } as const;

/** Each on a fresh stand-in, its steps one after the other. */
const LIVES: Readonly<Record<string, readonly StepOverrides[]>> = {
  'open, update, resolve, root cause analysis, reopen': [
    OPEN,
    UPDATE,
    RESOLVE,
    ROOT_CAUSE,
    { covers: [5, 5], told: true, incident: { revision: 5 } },
  ],
  'first seen when over': [{ ...RESOLVE, opened: false, told: false }],
  'was no issue': [OPEN, { ...RESOLVE, action: 'retract' }],
  'planned maintenance': [{ incident: PLANNED }],
  test: [{ test: true }],
};

/** Differ from run to run, or hold what is secret. */
const LEFT_OUT = new Set(['authorization', 'webhook-timestamp', 'webhook-signature']);

await forEachAdapter(({ adapter, bench }) => {
  it('sends what its golden file says, at each step of each life', async () => {
    const parts: string[] = [];
    for (const [name, life] of Object.entries(LIVES)) {
      parts.push(`# ${name}\n\n${(await play({ adapter, bench, life })).join('\n\n')}\n`);
    }
    await expect(parts.join('\n')).toMatchFileSnapshot(`golden/${adapter.kind}.txt`);
  });
});

interface Play {
  adapter: Adapter;
  bench: ConformanceBench;
  life: readonly StepOverrides[];
}

async function play({ adapter, bench, life }: Play): Promise<string[]> {
  const running = await bench.start();
  const client = createHttpClient({ egress: { allow: ['127.0.0.0/8'] } });
  const settings = adapter.settings.parse(running.settings);
  const sent: string[] = [];
  let memo: Memo = {};
  try {
    for (const [i, overrides] of life.entries()) {
      const step = makeStep(overrides);
      sent.push(`## ${step.action}`);
      const http = client.call({ signal: new AbortController().signal, deadlineMs: 5_000 });
      const context = makeContext({
        settings,
        stepKey: `dlv_golden_${i + 1}`,
        memo,
        http: (request) => {
          sent.push(written(request, running));
          return http(request);
        },
      });
      const before = (await running.observed()).messages.length;
      const outcome = await adapter.deliver(step, context);
      memo = outcome.memo ?? memo;
      expect(outcome.outcome).toBe('accepted');
      const mails = bench.transport === 'smtp' ? (await running.observed()).messages.slice(before) : [];
      sent.push(...mails.map(({ text }) => text));
    }
  } finally {
    await client.close();
    await running.stop();
    adapter.close?.();
  }
  return sent;
}

function written({ method, url, headers = {}, body }: HttpRequest, { secrets }: RunningBench): string {
  const { pathname, search } = new URL(url);
  const path = secrets.reduce((text, secret) => text.replaceAll(secret, '<secret>'), pathname + search);
  const shown = Object.entries(headers).filter(([name]) => !LEFT_OUT.has(name));
  const lines = [`${method} ${path}`, ...shown.map(([name, value]) => `${name}: ${value}`)];
  if (body !== undefined) lines.push(JSON.stringify(JSON.parse(body), null, 1));
  return secrets.reduce((text, secret) => text.replaceAll(secret, '<secret>'), lines.join('\n'));
}
