import { describe, expect, it } from 'vitest';
import { servicenow } from '#adapters/servicenow/index.ts';
import { SERVICENOW_CREDENTIALS } from '#test/support/vendors/servicenow.ts';
import { RESOLVED, startServiceNow, UPDATED } from './servicenow-harness.ts';

const { clientId, clientSecret, apiKey } = SERVICENOW_CREDENTIALS;
const OAUTH = { auth: { type: 'oauth', clientId, clientSecret } };

describe('odd answers', () => {
  it('takes the 200 with HTML of a hibernating instance for a failure that passes', async () => {
    const { deliver, server } = await startServiceNow();
    server.hibernating = true;
    expect(await deliver()).toMatchObject({ outcome: 'retryable', reason: 'wrong-body', status: 200 });
    server.hibernating = false;
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
    expect(server.creates).toBe(1);
  });

  it('does not know what a 201 without a record has done', async () => {
    const { deliver, server } = await startServiceNow();
    server.failNext({ kind: 'slow', delayMs: 0 });
    server.failNext({ kind: 'answer', answer: { status: 201, body: '' } });
    expect(await deliver()).toMatchObject({ outcome: 'unknown', reason: 'wrong-body', status: 201 });
  });

  it('honours Retry-After of a rate rule', async () => {
    const { deliver, server } = await startServiceNow();
    server.limitNext(1, 1_800);
    expect(await deliver()).toMatchObject({ outcome: 'retryable', reason: 'rate-limited', retryAfterMs: 1_800_000 });
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
  });

  it('passes on what a data policy says and does not try again', async () => {
    const { deliver } = await startServiceNow({}, { mandatory: ['assignment_group'] });
    expect(await deliver()).toMatchObject({
      outcome: 'permanent',
      reason: 'forbidden',
      detail: 'HTTP 403: Operation Failed: The following fields are mandatory: assignment_group',
    });
  });

  it('sends no cookie back', async () => {
    const { deliver, server } = await startServiceNow();
    for (const step of [{}, UPDATED, RESOLVED]) await deliver(step);
    expect(server.requests.filter(({ headers }) => headers['cookie'] !== undefined)).toEqual([]);
  });

  it('does not take a resolve for done that the instance ignored', async () => {
    const { deliver, server } = await startServiceNow();
    await deliver();
    const record = server.incidents()[0];
    server.failNext({ kind: 'slow', delayMs: 0 }, 2);
    server.failNext({ kind: 'answer', answer: { status: 200, body: { result: record?.columns } } });
    expect(await deliver(RESOLVED)).toMatchObject({
      outcome: 'permanent',
      reason: 'refused',
      memo: { sysId: record?.sysId },
    });
  });
});

describe('the close code', () => {
  it('fails the resolve and names the valid codes, without a write', async () => {
    const { deliver, writes } = await startServiceNow({ closeCode: 'Closed/Resolved by Caller' });
    await deliver();
    expect(await deliver(RESOLVED)).toMatchObject({
      outcome: 'permanent',
      reason: 'invalid-request',
      detail: expect.stringContaining('Solution provided, Resolved by request'),
    });
    expect(writes()).toHaveLength(1);
  });

  it('is checked before what is first seen over is created', async () => {
    const { deliver, server } = await startServiceNow({ closeCode: 'nonsense' });
    expect(await deliver({ ...RESOLVED, opened: false })).toMatchObject({ outcome: 'permanent' });
    expect(server.creates).toBe(0);
  });

  it('is read once per destination, and only before a resolve', async () => {
    const { deliver, server } = await startServiceNow();
    const reads = () => server.requests.filter(({ path }) => path.includes('sys_choice')).length;
    await deliver();
    expect(reads()).toBe(0);
    await deliver(RESOLVED);
    await deliver({ told: true });
    await deliver(RESOLVED);
    expect(reads()).toBe(1);
  });

  it('is trusted where the list may not be read', async () => {
    const { deliver, server } = await startServiceNow({}, { forbiddenTables: ['sys_choice'] });
    for (const vendorKey of ['1'.repeat(64), '2'.repeat(64)]) {
      const born = { ...RESOLVED, opened: false, told: false };
      const outcome = await deliver(born, { vendorKey, memo: {} });
      expect(outcome).toMatchObject({ outcome: 'accepted', receipt: { state: '6' } });
    }
    expect(server.requests.filter(({ path }) => path.includes('sys_choice'))).toHaveLength(1);
  });
});

describe('credentials', () => {
  it('takes an API key', async () => {
    const { deliver, server } = await startServiceNow({ auth: { type: 'apiKey', token: apiKey } });
    expect(await deliver()).toMatchObject({ outcome: 'accepted' });
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('fails for good on a wrong password', async () => {
    const { deliver } = await startServiceNow({ auth: { type: 'basic', username: 'a', password: 'wrong-password' } });
    expect(await deliver()).toMatchObject({ outcome: 'permanent', reason: 'unauthorized', status: 401 });
  });

  it('fetches one OAuth token for deliveries at the same time and keeps it', async () => {
    const { deliver, server } = await startServiceNow(OAUTH);
    const keys = ['1', '2', '3', '4'].map((n) => n.repeat(64));
    await Promise.all(keys.map((vendorKey) => deliver({}, { vendorKey, memo: {} })));
    await deliver({}, { vendorKey: '5'.repeat(64), memo: {} });
    expect(server.creates).toBe(5);
    expect(server.tokensIssued).toBe(1);
  });

  it('renews a token that was revoked early, within the step', async () => {
    const { deliver, server } = await startServiceNow(OAUTH);
    await deliver();
    server.revokeTokens();
    expect(await deliver(UPDATED)).toMatchObject({ outcome: 'accepted' });
    expect(server.tokensIssued).toBe(2);
  });

  it('renews a token a minute before it expires', async () => {
    const { deliver, server } = await startServiceNow(OAUTH, { tokenLifeSeconds: 1_800 });
    await deliver();
    const inMs = (ms: number) => ({ now: () => new Date(Date.now() + ms) });
    await deliver(UPDATED, inMs(1_730_000));
    expect(server.tokensIssued).toBe(1);
    await deliver(UPDATED, inMs(1_741_000));
    expect(server.tokensIssued).toBe(2);
  });

  it('gives up when a new token is refused as well', async () => {
    const { deliver, server } = await startServiceNow(OAUTH);
    const refused = { kind: 'answer', answer: { status: 401 } } as const;
    // The token, the call, the new token, the call again.
    server.failNext({ kind: 'slow', delayMs: 0 });
    server.failNext(refused);
    server.failNext({ kind: 'slow', delayMs: 0 });
    server.failNext(refused);
    expect(await deliver()).toMatchObject({ outcome: 'permanent', reason: 'unauthorized' });
    expect(server.tokensIssued).toBe(2);
  });

  it('tells bad client credentials as unauthorized, without the secret', async () => {
    const { deliver } = await startServiceNow({ auth: { type: 'oauth', clientId, clientSecret: 'wrong-secret-1' } });
    const outcome = await deliver();
    expect(outcome).toMatchObject({ outcome: 'permanent', reason: 'unauthorized' });
    expect(JSON.stringify(outcome)).not.toContain('wrong-secret-1');
  });

  it('keeps an echoed token out of the outcome', async () => {
    const { deliver, server } = await startServiceNow(OAUTH);
    server.failNext({ kind: 'slow', delayMs: 0 });
    const body = { error: { message: 'Bearer sn-access-token-1-5e1b refused', detail: '' } };
    server.failNext({ kind: 'answer', answer: { status: 403, body } });
    expect(await deliver()).toMatchObject({ outcome: 'permanent', detail: 'HTTP 403: Bearer <secret> refused' });
  });
});

describe('the probe', () => {
  it('finds nothing wrong with a good destination and makes no record', async () => {
    const { context, server } = await startServiceNow({ fields: { category: 'x' } }, { mandatory: ['category'] });
    expect(await servicenow.probe?.(context())).toEqual([]);
    expect(server.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('names a wrong close code and a mandatory column that is not set', async () => {
    const { context } = await startServiceNow({ closeCode: 'nope' }, { mandatory: ['assignment_group'] });
    expect(await servicenow.probe?.(context())).toEqual([
      expect.stringContaining('closeCode is not a choice'),
      expect.stringContaining('assignment_group is mandatory'),
    ]);
  });

  it('says so when incidents cannot be read', async () => {
    const { context } = await startServiceNow({}, { forbiddenTables: ['incident'] });
    expect(await servicenow.probe?.(context())).toEqual([
      expect.stringContaining('incidents cannot be read: forbidden'),
    ]);
  });

  it('logs, and does not complain about, what it may not check', async () => {
    const logged: string[] = [];
    const log = { info: (_: object, message: string) => void logged.push(message), warn: () => undefined };
    const { context } = await startServiceNow({}, { forbiddenTables: ['sys_choice', 'sys_dictionary'] });
    expect(await servicenow.probe?.(context({ log }))).toEqual([]);
    expect(logged).toEqual([expect.stringContaining('close code not checked'), expect.stringContaining('not checked')]);
  });
});
