import { describe, expect, test } from 'vitest';
import { parseBody } from '#src/receivers/body.ts';
import { readSignals } from '#src/receivers/read.ts';
import { CONTEXT, fixtureBody, fixtureNames, readFixture, readOne } from './read-fixture.ts';

const FIRST_POST = [
  'webhook-classic/sh-incident-active.json',
  'webhook-classic/sh-incident-active-second-subscription.json',
  'webhook-common/sh-incident-active.json',
  'eventhub-activitylog/sh-incident-active.json',
  'other/salvage-wrapped-alert.json',
  'other/salvage-json-in-string.json',
  'other/double-encoded.json',
];

describe('the incident CNT1-0AR', () => {
  test.each(FIRST_POST)('is the same incident and the same post in %s', (name) => {
    const { identity, post, kind, phase, impacts, title } = readOne(name);
    const first = readOne(FIRST_POST[0]!);
    expect({ identity, post, kind, phase, impacts, title }).toEqual({
      identity: 'sh/cnt1-0ar',
      post: { id: '11000090000101', hash: first.post.hash },
      kind: 'outage',
      phase: 'open',
      impacts: [{ service: 'Container Registry', region: 'West Europe' }],
      title: 'Container Registry - West Europe - Image pull failures',
    });
  });

  test('has a different post for each communication, by id and by text', () => {
    const names = ['active', 'update-html', 'resolved', 'rca'].map(
      (word) => `webhook-classic/sh-incident-${word}.json`,
    );
    expect(new Set(names.map((name) => readOne(name).post.id)).size).toBe(4);
    expect(new Set(names.map((name) => readOne(name).post.hash)).size).toBe(4);
  });

  test('has a fingerprint that only an exact repeat shares', () => {
    const prints = FIRST_POST.slice(0, 4).map((name) => readOne(name).fingerprint);
    expect(new Set(prints).size).toBe(4);
    expect(readOne(FIRST_POST[0]!, { source: 'other', receivedAt: '2026-11-25T00:00:00.000Z' }).fingerprint).toBe(
      prints[0],
    );
  });
});

describe('a body of several messages', () => {
  test('gives one signal per message in its order, arrays and records inside each other included', () => {
    const body = [
      fixtureBody('webhook-classic/sh-incident-active.json'),
      fixtureBody('eventhub-activitylog/batch-maintenance-second-subscription.json'),
      fixtureBody('eventgrid/aks-nodepool-rolling-started-eventgrid.json'),
      null,
    ];
    expect(readSignals(body, CONTEXT).map((signal) => signal.type)).toEqual([
      'service-health',
      'service-health',
      'service-health',
      'aks',
      'unrecognised',
    ]);
  });

  test('gives one signal per message in an envelope that we do not know as well', () => {
    const outage = fixtureBody('webhook-classic/sh-incident-active.json');
    const cluster = fixtureBody('webhook-common/rh-aks-degraded.json');
    const kinds = (body: unknown): string[] => readSignals(body, CONTEXT).map((signal) => signal.kind);
    expect(kinds({ source: 'own', alerts: [outage, cluster] })).toEqual(['outage', 'resource']);
    expect(kinds({ fired: [outage], resolved: [JSON.stringify(cluster)], tags: ['a'] })).toEqual([
      'outage',
      'resource',
    ]);
    expect(kinds({ alerts: [outage, { odd: 1 }, cluster] })).toEqual(['outage', 'unrecognised', 'resource']);
  });

  test('gives one signal per event of a forwarded list of the events API, and one for several lines about one event', () => {
    const identities = (body: unknown): string[] => readSignals(body, CONTEXT).map((signal) => signal.identity);
    const row = (name: string): unknown => ({ id: `/providers/Microsoft.ResourceHealth/events/${name}`, name });
    expect(identities({ value: [row('CNT1-0AR'), row('MNT3-5RS')] })).toEqual(['sh/cnt1-0ar', 'sh/mnt3-5rs']);
    const updates = [{ trackingId: 'CNT1-0AR' }, { trackingId: 'cnt1-0ar' }];
    expect(identities({ title: 'Pulls fail', updates })).toEqual(['sh/cnt1-0ar']);
    expect(identities({ trackingId: 'CNT1-0AR', related: [row('MNT3-5RS'), row('ABC1-XYZ')] })).toEqual([
      'sh/cnt1-0ar',
    ]);
  });

  test('drops nothing: known messages beyond the thousandth stay single, the rest shares one signal', () => {
    const known = fixtureBody('webhook-classic/rh-aks-degraded.json');
    const signals = readSignals([...Array<unknown>(1000).fill(0), known, 7, known, { a: 'kept' }], CONTEXT);
    expect(signals.length).toBe(1003);
    expect(signals.slice(1000).map((signal) => signal.kind)).toEqual(['resource', 'resource', 'unrecognised']);
    expect(signals.at(-1)).toMatchObject({
      raw: '[7,{"a":"kept"}]',
      reason: '2 further elements of one body were not understood',
    });
  });
});

describe('every fixture', () => {
  test('there are at least 25 beside the samples, and all of them are read', () => {
    const names = fixtureNames();
    expect(names.length).toBeGreaterThan(60);
    for (const name of names) expect(readFixture(name).length, name).toBeGreaterThan(0);
  });

  test('keeps a raw text that is JSON without the removed fields', () => {
    for (const name of fixtureNames()) {
      for (const { raw } of readFixture(name)) {
        expect(() => void JSON.parse(raw), name).not.toThrow();
        expect(raw, name).not.toMatch(/"(?:claims|authorization|httpRequest|caller|callerIpAddress|identity)":/i);
      }
    }
  });
});

describe('parseBody', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test('reads JSON of any kind and drops a byte order mark', () => {
    expect(parseBody(bytes('7'))).toEqual({ ok: true, value: 7 });
    expect(parseBody(bytes('null'))).toEqual({ ok: true, value: null });
    expect(parseBody(bytes('\uFEFF{"a":1}'))).toEqual({ ok: true, value: { a: 1 } });
    expect(parseBody(new Uint8Array(Buffer.from('\uFEFF{"a":1}', 'utf16le')))).toEqual({ ok: true, value: { a: 1 } });
  });

  test('reads half-broken UTF-8 rather than losing the news', () => {
    expect(parseBody(Uint8Array.of(0x22, 0x61, 0xff, 0x22))).toEqual({ ok: true, value: 'a\uFFFD' });
  });

  test('says why a body is none, without repeating it', () => {
    expect(parseBody(new Uint8Array())).toEqual({ ok: false, reason: 'the body is empty' });
    expect(parseBody(bytes(' \n'))).toEqual({ ok: false, reason: 'the body is empty' });
    expect(parseBody(bytes('{secret'))).toEqual({ ok: false, reason: 'the body is not JSON' });
  });
});
