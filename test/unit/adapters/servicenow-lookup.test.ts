import { describe, expect, it } from 'vitest';
import { byCorrelation, correlationKey } from '#adapters/servicenow/correlation.ts';
import { makeContext } from '#test/support/steps.ts';
import { RESOLVED, startServiceNow, UPDATED } from './servicenow-harness.ts';

const KEY = makeContext({ settings: null }).vendorKey;

describe('the key', () => {
  it.each(['', ' ', 'short', 'a'.repeat(101), 'with a space in it', 'umlaut-ä-inside-it'])(
    'is refused where it could match more than its own record: "%s"',
    (key) => expect(correlationKey(key)).toBeNull(),
  );

  it('cannot add conditions to a query', () => {
    const key = correlationKey('key-0001^ORstate=1');
    expect(key && byCorrelation(key)).toBe('correlation_id=key-0001^^ORstate=1^ORDERBYsys_created_on');
  });

  it('fails for good and asks nothing when it is empty', async () => {
    const { deliver, server } = await startServiceNow();
    expect(await deliver(RESOLVED, { vendorKey: '' })).toMatchObject({ outcome: 'permanent' });
    expect(server.requests).toEqual([]);
  });
});

describe('looking up', () => {
  it('does not touch the records of others when the instance drops the condition and returns everything', async () => {
    const { deliver, server } = await startServiceNow();
    const others = ['first other', 'second other'].map((title) =>
      server.plant({ short_description: title, correlation_id: `other ${title}` }),
    );
    const everything = { result: others.map(({ columns }) => columns) };
    server.failNext({ kind: 'answer', answer: { status: 200, body: everything } });
    expect(await deliver()).toMatchObject({ outcome: 'accepted', receipt: { created: true } });
    expect(server.entries.filter(({ kind }) => kind !== 'created')).toEqual([]);
  });

  it('uses the oldest of several active records under the key and names the others', async () => {
    const { deliver, server } = await startServiceNow();
    const [oldest, second] = [1, 2].map(() => server.plant({ correlation_id: KEY }));
    expect(await deliver(UPDATED)).toMatchObject({
      outcome: 'accepted',
      receipt: { sysId: oldest?.sysId, duplicates: [second?.columns['number']] },
    });
  });

  it('prefers an open record to an older one that is over', async () => {
    const { deliver, server } = await startServiceNow();
    server.plant({ correlation_id: KEY, state: '7' });
    server.plant({ correlation_id: KEY, state: '6' });
    const open = server.plant({ correlation_id: KEY });
    expect(await deliver(UPDATED)).toMatchObject({ receipt: { sysId: open.sysId } });
  });

  it('goes on by key when the remembered record is not found', async () => {
    const { deliver, server } = await startServiceNow();
    const record = server.plant({ correlation_id: KEY });
    const memo = { sysId: 'c0ffee00c0ffee00c0ffee00000000ff' };
    const outcome = await deliver(UPDATED, { memo });
    expect(outcome).toMatchObject({ outcome: 'accepted', memo: { sysId: record.sysId } });
  });

  it('asks only for the remembered record when there is one', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver();
    const before = server.requests.length;
    await deliver(UPDATED);
    const asked = server.requests.slice(before).map(({ method, path }) => `${method} ${path.split('?')[0]}`);
    const path = `/api/now/table/incident/${server.incidents()[0]?.sysId}`;
    expect(asked).toEqual([`GET ${path}`, `PATCH ${path}`]);
  });

  it('takes the 404 of old releases for an empty list', async () => {
    const { deliver, server } = await startServiceNow();
    const body = {
      error: { message: 'No Record found', detail: 'Records matching query not found' },
      status: 'failure',
    };
    server.failNext({ kind: 'answer', answer: { status: 404, body } });
    expect(await deliver()).toMatchObject({ outcome: 'accepted', receipt: { created: true } });
  });
});

describe('an attempt without an outcome', () => {
  it('finds a create that arrived, writes nothing more, and asks only once', async () => {
    const { deliver, server, writes } = await startServiceNow();
    server.failNext({ kind: 'slow', delayMs: 0 });
    server.failNext({ kind: 'reset', taken: true });
    expect(await deliver()).toMatchObject({ outcome: 'unknown', reason: 'reset' });
    const asked = server.requests.length;
    expect(await deliver({}, { settling: true })).toMatchObject({
      outcome: 'accepted',
      receipt: { level: 'confirmed', sysId: server.incidents()[0]?.sysId },
    });
    expect(server.requests.length - asked).toBe(1);
    expect(writes()).toHaveLength(1);
    expect(server.creates).toBe(1);
  });

  it('looks twice, two seconds apart, before it creates again', async () => {
    const { deliver, server } = await startServiceNow();
    const startedAt = performance.now();
    expect(await deliver({}, { settling: true })).toMatchObject({ outcome: 'accepted', receipt: { created: true } });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_990);
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
  });

  it('finds a create that the instance finishes during the pause', async () => {
    const { deliver, server } = await startServiceNow();
    setTimeout(() => server.plant({ correlation_id: KEY }), 500);
    expect(await deliver({}, { settling: true })).toMatchObject({ outcome: 'accepted' });
    expect(server.creates).toBe(0);
  });

  it('looks twice as well after a create that was answered with a 5xx', async () => {
    const { deliver, server } = await startServiceNow();
    server.failNext({ kind: 'slow', delayMs: 0 });
    server.failNext({ kind: 'answer', answer: { status: 502, body: 'Bad Gateway' } });
    expect(await deliver()).toMatchObject({ outcome: 'retryable', reason: 'server-error' });
    setTimeout(() => server.plant({ correlation_id: KEY }), 500);
    const outcome = await deliver();
    expect(outcome).toMatchObject({ outcome: 'accepted' });
    expect(outcome.memo).not.toHaveProperty('createPending');
    expect(server.creates).toBe(0);
  });

  it('does not write a work note twice', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver();
    server.failNext({ kind: 'slow', delayMs: 0 });
    server.failNext({ kind: 'reset', taken: true });
    expect(await deliver(UPDATED, { stepKey: 'dlv_1_2' })).toMatchObject({ outcome: 'unknown' });
    expect(await deliver(UPDATED, { stepKey: 'dlv_1_2', settling: true })).toMatchObject({ outcome: 'accepted' });
    expect(server.incidents()[0]?.workNotes).toHaveLength(1);
  });

  it('writes the work note when it had not arrived', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver();
    await deliver(UPDATED, { stepKey: 'dlv_1_2' });
    expect(await deliver(UPDATED, { stepKey: 'dlv_1_21', settling: true })).toMatchObject({ outcome: 'accepted' });
    await deliver(UPDATED, { stepKey: 'dlv_1_2', settling: true });
    expect(server.incidents()[0]?.workNotes).toHaveLength(2);
  });

  it('does not resolve twice', async () => {
    const { deliver, server, writes } = await startServiceNow();
    await deliver();
    server.failNext({ kind: 'slow', delayMs: 0 }, 2);
    server.failNext({ kind: 'reset', taken: true });
    expect(await deliver(RESOLVED)).toMatchObject({ outcome: 'unknown' });
    expect(await deliver(RESOLVED, { settling: true })).toMatchObject({ outcome: 'accepted', receipt: { state: '6' } });
    expect(writes()).toHaveLength(2);
  });
});
