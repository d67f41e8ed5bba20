import { describe, expect, it } from 'vitest';
import { makeContext } from '#test/support/steps.ts';
import { RESOLVED, ROOT_CAUSE, startServiceNow, UPDATED } from './servicenow-harness.ts';

const KEY = makeContext({ settings: null }).vendorKey;

describe('opening', () => {
  it('creates one record with key, state, impact and the customer’s fields, and never a priority', async () => {
    const { deliver, server, writes } = await startServiceNow({
      fields: { assignment_group: 'd625dccec0a8016700a222a0f7900d06', category: '{{kind}} {{service}}' },
    });
    const outcome = await deliver({ route: { runbook: null, note: null, fields: { category: 'cloud {{region}}' } } });
    expect(outcome).toMatchObject({
      outcome: 'accepted',
      status: 201,
      receipt: { level: 'confirmed', number: 'INC0010001', state: '1', created: true },
    });
    expect(writes()).toEqual([
      {
        method: 'POST',
        values: {
          short_description: '[Outage] Container Registry, West Europe: Image pulls fail in West Europe (CNT1-0AR)',
          description: expect.stringContaining('Impact Statement: Starting at 08:05 UTC'),
          assignment_group: 'd625dccec0a8016700a222a0f7900d06',
          category: 'cloud West Europe',
          correlation_id: KEY,
          correlation_display: 'Azure Service Health',
          state: '1',
          impact: '2',
          urgency: '1',
        },
      },
    ]);
    expect(server.byCorrelation(KEY)).toHaveLength(1);
  });

  it.each([
    ['critical', '1', '1'],
    ['error', '2', '1'],
    ['warning', '2', '2'],
    ['info', '3', '3'],
  ] as const)('maps severity %s to impact %s and urgency %s', async (severity, impact, urgency) => {
    const { deliver, writes } = await startServiceNow();
    await deliver({ incident: { severity } });
    expect(writes()[0]?.values).toMatchObject({ impact, urgency });
  });

  it('says which columns the instance did not take and which route fields are not its own', async () => {
    const { deliver } = await startServiceNow({ fields: { u_tracking: '{{trackingId}}' } });
    const outcome = await deliver({ route: { runbook: null, note: null, fields: { priority: '1', comments: 'x' } } });
    expect(outcome).toMatchObject({ receipt: { notTaken: ['u_tracking'], ignoredFields: ['priority', 'comments'] } });
  });

  it('creates a test record marked TEST and resolves it at once, each time anew', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver({ test: true });
    expect(await deliver({ test: true })).toMatchObject({ outcome: 'accepted', receipt: { state: '6' } });
    const seen = server.incidents().map(({ columns }) => [columns['state'], columns['short_description']?.slice(0, 6)]);
    expect(seen).toEqual([
      ['6', 'TEST: '],
      ['6', 'TEST: '],
    ]);
  });
});

describe('updating', () => {
  it('writes a work note and leaves impact alone while the severity is the same', async () => {
    const { deliver, server, writes } = await startServiceNow();
    await deliver();
    expect(await deliver(UPDATED)).toMatchObject({ outcome: 'accepted', receipt: { level: 'confirmed' } });
    const [, update] = writes();
    expect(update?.method).toBe('PATCH');
    expect(Object.keys(update?.values ?? {})).toEqual(['work_notes']);
    expect(update?.values['work_notes']).toContain('Impact now includes North Europe.');
    expect(server.incidents().map(({ comments }) => comments)).toEqual([[]]);
  });

  it('raises impact and urgency with the severity, once', async () => {
    const { deliver, writes } = await startServiceNow();
    await deliver();
    await deliver({ ...UPDATED, incident: { severity: 'critical' } });
    await deliver({ ...UPDATED, incident: { severity: 'critical' } });
    expect(writes()[1]?.values).toMatchObject({ impact: '1', urgency: '1' });
    expect(writes()[2]?.values).not.toHaveProperty('impact');
  });

  it('leaves a record alone that people closed, and says so', async () => {
    const { deliver, server, writes } = await startServiceNow();
    await deliver();
    server.setState(server.incidents()[0]?.sysId ?? '', '7');
    for (const step of [UPDATED, RESOLVED, ROOT_CAUSE]) {
      expect(await deliver(step)).toMatchObject({
        outcome: 'accepted',
        receipt: { level: 'accepted', note: 'record is closed: not written' },
      });
    }
    expect(writes()).toHaveLength(1);
  });

  it('creates the record when the opening, of unknown outcome, never happened', async () => {
    const { deliver, server } = await startServiceNow();
    expect(await deliver(UPDATED)).toMatchObject({ outcome: 'accepted', receipt: { created: true } });
    expect(server.creates).toBe(1);
  });

  it('replaces a deleted record once, and then fails rather than create tickets for ever', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver();
    server.remove(server.incidents()[0]?.sysId ?? '');
    expect(await deliver(UPDATED)).toMatchObject({ outcome: 'accepted', receipt: { created: true } });
    server.remove(server.incidents()[0]?.sysId ?? '');
    expect(await deliver(UPDATED)).toMatchObject({ outcome: 'permanent', reason: 'not-found' });
    expect(server.creates).toBe(2);
  });
});

describe('ending', () => {
  it('sets state 6 with close code and notes', async () => {
    const { deliver, writes } = await startServiceNow();
    await deliver();
    expect(await deliver(RESOLVED)).toMatchObject({ outcome: 'accepted', receipt: { level: 'confirmed', state: '6' } });
    expect(writes()[1]).toEqual({
      method: 'PATCH',
      values: { state: '6', close_code: 'Solution provided', close_notes: expect.stringMatching(/resolved/i) },
    });
  });

  it('says that it was no issue when Azure takes the report back', async () => {
    const { deliver, writes } = await startServiceNow();
    await deliver();
    await deliver({ ...RESOLVED, action: 'retract' });
    expect(writes()[1]?.values).toMatchObject({
      state: '6',
      close_notes: expect.stringMatching(/^RETRACTED\n.*no issue after all/),
    });
  });

  it('creates and resolves what is first seen when it is over', async () => {
    const { deliver, server, writes } = await startServiceNow();
    expect(await deliver({ ...RESOLVED, opened: false, told: false })).toMatchObject({ outcome: 'accepted' });
    expect(writes().map(({ method, values }) => [method, values['state']])).toEqual([
      ['POST', '1'],
      ['PATCH', '6'],
    ]);
    expect(server.creates).toBe(1);
  });

  it('only resolves on the next try when the second of the two calls failed', async () => {
    const { deliver, server } = await startServiceNow();
    const born = { ...RESOLVED, opened: false, told: false };
    // Look-up, close codes and create pass.
    server.failNext({ kind: 'slow', delayMs: 0 }, 3);
    server.failNext({ kind: 'answer', answer: { status: 503 } });
    expect(await deliver(born)).toMatchObject({
      outcome: 'retryable',
      reason: 'server-error',
      memo: { sysId: server.incidents()[0]?.sysId },
    });
    expect(await deliver(born)).toMatchObject({ outcome: 'accepted', receipt: { state: '6' } });
    expect(server.creates).toBe(1);
  });

  it('adds a root cause analysis to the resolved record without changing its state', async () => {
    const { deliver, server, writes } = await startServiceNow();
    await deliver();
    await deliver(RESOLVED);
    expect(await deliver(ROOT_CAUSE)).toMatchObject({ outcome: 'accepted' });
    expect(Object.keys(writes()[2]?.values ?? {})).toEqual(['work_notes']);
    expect(server.incidents()[0]?.columns['state']).toBe('6');
  });

  it('notes the end on a record that people had resolved before', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver();
    server.setState(server.incidents()[0]?.sysId ?? '', '6');
    expect(await deliver(RESOLVED)).toMatchObject({
      outcome: 'accepted',
      receipt: { note: expect.stringMatching(/resolved/) },
    });
    expect(server.entries.map(({ kind }) => kind)).toEqual(['created', 'note']);
  });
});

describe('coming back', () => {
  it('puts a resolved record back to work', async () => {
    const { deliver, server, writes } = await startServiceNow();
    await deliver();
    await deliver(RESOLVED);
    expect(await deliver({ told: true })).toMatchObject({
      outcome: 'accepted',
      receipt: { reopened: true, state: '2' },
    });
    expect(writes()[2]?.values).toEqual({ state: '2', work_notes: expect.stringMatching(/^Active again/) });
    expect(server.creates).toBe(1);
  });

  it('creates a new record where the settings ask for one, once even after a crash', async () => {
    const harness = await startServiceNow({ reopen: 'new' });
    const { deliver, server } = harness;
    await deliver();
    await deliver(RESOLVED);
    const { memo } = harness;
    expect(await deliver({ told: true })).toMatchObject({ receipt: { created: true, number: 'INC0010002' } });
    const settled = await deliver({ told: true }, { memo, settling: true });
    expect(settled).toMatchObject({ outcome: 'accepted', receipt: { number: 'INC0010002' } });
    expect(server.creates).toBe(2);
  });

  it('creates a new record when the old one is closed', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver();
    server.setState(server.incidents()[0]?.sysId ?? '', '7');
    expect(await deliver({ told: true })).toMatchObject({ outcome: 'accepted', receipt: { created: true } });
    expect(server.creates).toBe(2);
    expect(await deliver(UPDATED)).toMatchObject({ receipt: { number: 'INC0010002' } });
  });
});
