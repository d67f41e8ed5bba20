/** The stand-in itself: what the conformance, demo and chaos suites rely on (destinations 5). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OpsgenieServer } from '#test/support/vendors/opsgenie.ts';

const KEY = 'eb243592-faa2-4ba2-a551-1afdf565c889';
let server: OpsgenieServer;

beforeEach(async () => {
  server = await new OpsgenieServer({ apiKey: KEY }).start();
});
afterEach(() => server.stop());

interface Answer {
  status: number;
  json: { requestId: string; data?: Record<string, unknown> };
}

async function call(path: string, body?: unknown, key = KEY): Promise<Answer> {
  const response = await fetch(`${server.apiUrl}/alerts${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `GenieKey ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Answer['json'] };
}

const create = (more: object = {}) => call('', { message: 'Pulls fail', alias: 'k', ...more });
const close = () => call('/k/close?identifierType=alias', {});
const note = (text: string) => call('/k/notes?identifierType=alias', { note: text });

describe('an alert of the stand-in', () => {
  it('is counted up while it is open and keeps message and priority', async () => {
    await create({ priority: 'P1' });
    await create({ message: 'Another', priority: 'P5' });
    expect(server.alerts()).toMatchObject([{ count: 2, message: 'Pulls fail', priority: 'P1', status: 'open' }]);
  });

  it('is a new one after the close', async () => {
    for (const step of [create, close, create]) await step();
    expect(server.pagesFor('k')).toBe(2);
    expect(server.alerts().map(({ status }) => status)).toEqual(['closed', 'open']);
  });

  it('takes notes by alias, also when closed; by id where no type is given', async () => {
    await create();
    await close();
    await note('after the end');
    await call('/k/notes', { note: 'k is no id' });
    await call(`/${server.alerts()[0]?.id}/notes`, { note: 'by id' });
    expect(server.alerts()[0]?.notes).toEqual(['after the end', 'by id']);
    expect(server.dropped).toHaveLength(1);
  });

  it('is missed by a close that only its status tells of', async () => {
    const { status, json } = await close();
    expect(status).toBe(202);
    const told = await call(`/requests/${json.requestId}`);
    expect(told).toMatchObject({ status: 200, json: { data: { isSuccess: false, status: 'Alert does not exist' } } });
    expect(server.entries).toEqual([]);
  });

  it('has a status that is unknown for as long as the test says', async () => {
    const { json } = await create();
    server.statusUnknownTimes = 2;
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await call(`/requests/${json.requestId}`)).status);
    expect(statuses).toEqual([404, 404, 200]);
    expect((await call('/requests/unknown')).status).toBe(404);
  });
});

describe('the stand-in refuses', () => {
  it.each([
    ['a message of 131', { message: 'x'.repeat(131) }],
    ['no message', { message: undefined }],
    ['an alias of 513', { alias: 'k'.repeat(513) }],
    ['a description of 15,001', { description: 'x'.repeat(15_001) }],
    ['21 tags', { tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }],
    ['a tag of 51', { tags: ['x'.repeat(51)] }],
    ['a detail that is no text', { details: { a: 1 } }],
    ['details of more than 8,000', { details: { a: 'x'.repeat(8_000) } }],
    ['a foreign priority', { priority: 'P0' }],
    ['an unknown field', { surprise: 1 }],
  ])('%s with 422', async (_name, more) => {
    expect((await create(more)).status).toBe(422);
    expect(server.refusals).toHaveLength(1);
    expect(server.pages).toBe(0);
  });

  it('an empty note with 422, and another key with 401', async () => {
    expect((await note('')).status).toBe(422);
    expect((await call('', { message: 'x' }, 'another-key')).status).toBe(401);
  });
});
