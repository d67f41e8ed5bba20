/** Server-sent events over a real connection, on every footing. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fixture, serviceHealth } from '#test/support/fixtures.ts';
import {
  API_TOKEN,
  FOOTINGS,
  openStores,
  READ_TOKEN,
  startRelay,
  type Stores,
  type TestRelay,
} from '#test/support/relay.ts';

interface Message {
  event: string;
  id: string | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- asserted on by path
  data: any;
}

describe.each(FOOTINGS)('on the footing %s', (footing) => {
  let stores: Stores;
  let relay: TestRelay;
  const open: AbortController[] = [];

  beforeAll(async () => {
    stores = await openStores(footing);
  });
  afterAll(() => stores.stop());
  beforeEach(async () => {
    relay = await startRelay(stores, 'destinations: {}\n');
  });
  afterEach(async () => {
    for (const listener of open.splice(0)) listener.abort();
    await relay.stop();
  });

  async function listen(
    path: string,
    { token = READ_TOKEN, after }: { token?: string; after?: string } = {},
  ): Promise<Message[]> {
    const abort = new AbortController();
    open.push(abort);
    const headers = { authorization: `Bearer ${token}`, ...(after ? { 'last-event-id': after } : {}) };
    const answer = await fetch(relay.url + path, { headers, signal: abort.signal });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const messages: Message[] = [];
    void read(answer.body!, messages).catch(() => undefined);
    await expect.poll(() => messages[0]?.event).toBe('hello');
    return messages;
  }

  async function read(body: ReadableStream<Uint8Array>, messages: Message[]): Promise<void> {
    let text = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
        if (field('event'))
          messages.push({ event: field('event')!, id: field('id'), data: JSON.parse(field('data') ?? '{}') });
      }
    }
  }

  const post = (trackingId: string, communication: number): Promise<unknown> =>
    relay.post(serviceHealth({ trackingId, communication, stage: 'Active' }));
  const ids = (messages: Message[]): unknown[] =>
    messages.flatMap((m) => (m.event === 'timeline' ? [m.data.trackingId] : []));

  test('every entry comes once, in order, to everybody, and to one incident only what is its own', async () => {
    await post('STRM-000', 1);
    const all = await listen('/v1/stream');
    await post('STRM-001', 1);
    await expect.poll(() => ids(all)).toContain('STRM-001');
    const own = await listen(`/v1/stream?incident=${all.find((m) => m.event === 'timeline')!.data.incident}`);
    await post('STRM-002', 1);
    await post('STRM-001', 2);
    await expect.poll(() => ids(own)).toEqual(['STRM-001']);
    // Two looks later nothing has come twice.
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    const numbers = all.flatMap((m) => (m.id === null ? [] : [Number(m.id)]));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(ids(all)).not.toContain('STRM-000');
  });

  test('a reader who was away gets what it missed, by the id that it saw last', async () => {
    const first = await listen('/v1/stream');
    await post('GONE-001', 1);
    await expect.poll(() => ids(first)).toHaveLength(1);
    open.splice(0).forEach((listener) => listener.abort());
    await post('GONE-002', 1);
    await post('GONE-003', 1);
    const again = await listen('/v1/stream', { after: first.at(-1)!.id! });
    await expect.poll(() => ids(again)).toEqual(['GONE-002', 'GONE-003']);
  });

  test('a test notification is told at once though it is no incident', async () => {
    const all = await listen('/v1/stream');
    await relay.post(fixture('webhook-classic/sh-test-notification.json'));
    await expect.poll(() => all.filter((m) => m.event === 'signal').map((m) => m.data.outcome)).toEqual(['test']);
  });

  test('a note on a security post comes without its text to who may not read it', async () => {
    await relay.post(
      serviceHealth({ trackingId: 'SECS-001', communication: 1, stage: 'Active', incidentType: 'Security' }),
    );
    const [reader, operator] = [await listen('/v1/stream'), await listen('/v1/stream', { token: API_TOKEN })];
    await relay.call('POST', '/v1/incidents/SECS-001/notes', { text: 'the hole is in runc' });
    const notes = (messages: Message[]): unknown[] =>
      messages.flatMap((m) => (m.data.kind === 'note' ? [m.data.summary] : []));
    await expect.poll(() => notes(operator)).toEqual(['Note by ops: the hole is in runc']);
    await expect.poll(() => notes(reader)).toEqual(['Note by ops']);
  });

  test('without a token there is no stream, and a listener does not hold up the stop', async () => {
    expect((await fetch(`${relay.url}/v1/stream`)).status).toBe(401);
    await listen('/v1/stream');
    // A stream that is not cut never ends, and nor would this.
    await expect(relay.stop()).resolves.toBeUndefined();
  });
});
