import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timeField, trackingIdsIn } from '#src/receivers/callbacks/news.ts';
import { isPagerDutySignature, readPagerDuty } from '#src/receivers/callbacks/pagerduty.ts';
import { readServiceNow } from '#src/receivers/callbacks/servicenow.ts';

const NOW = '2026-09-14T09:00:00.000Z';
const sign = (body: string, secret: string): string => `v1=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('signatures of PagerDuty', () => {
  const body = '{"event":{}}';
  const raw = Buffer.from(body);

  test('hold under any secret in use and among several', () => {
    const header = `${sign(body, 'an older secret')},${sign(body, 'secret-two')}`;
    expect(isPagerDutySignature(raw, header, ['secret-one', 'secret-two'])).toBe(true);
    expect(isPagerDutySignature(raw, header.replace(',', ', '), ['secret-two'])).toBe(true);
  });

  test.each([
    ['another body', sign(`${body} `, 's')],
    ['another secret', sign(body, 't')],
    ['no version', sign(body, 's').slice(3)],
    ['another version', sign(body, 's').replace('v1', 'v0')],
    ['a cut one', sign(body, 's').slice(0, -2)],
    ['nothing', ''],
  ])('are refused for %s', (_, header) => {
    expect(isPagerDutySignature(raw, header, ['s'])).toBe(false);
    expect(isPagerDutySignature(raw, sign(body, ''), [])).toBe(false);
  });
});

describe('PagerDuty events', () => {
  const event = (event_type: string, data: unknown) =>
    readPagerDuty(
      { event: { id: 'E1', event_type, occurred_at: '2026-09-14T08:40:00Z', agent: { summary: 'Jane Doe' }, data } },
      NOW,
    );

  test('name the incident by our key, by its alerts, by the record or by the title', () => {
    const title = '[Outage] Container Registry, West Europe: pulls fail (CNT1-0AR)';
    expect(event('incident.acknowledged', { id: 'PX1', incident_key: 'abc', title })).toMatchObject({
      read: 'news',
      news: {
        event: 'acknowledged',
        actor: 'Jane Doe',
        at: '2026-09-14T08:40:00.000Z',
        eventKey: 'E1',
        clues: { vendorKey: 'abc', record: 'PX1' },
      },
    });
    expect(event('incident.resolved', { id: 'PX1', alerts: [{}, { alert_key: 'k' }] })).toMatchObject({
      news: { clues: { vendorKey: 'k' } },
    });
    const note = event('incident.annotated', {
      id: 'N1',
      content: 'cache on',
      incident: { id: 'PX1', summary: `[#7] ${title}` },
    });
    expect(note).toMatchObject({ news: { text: 'cache on', clues: { record: 'PX1', trackingIds: ['cnt1-0ar'] } } });
  });

  test('of other types are ignored, and without a type are odd', () => {
    expect(event('incident.triggered', {}).read).toBe('ignored');
    expect(event('pagey.ping', {}).read).toBe('ignored');
    expect(readPagerDuty({ hello: 1 }, NOW).read).toBe('odd');
  });

  test('of any shape are read without a throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        readPagerDuty(a, NOW);
        readPagerDuty({ event: { event_type: 'incident.annotated', data: b, agent: a, occurred_at: b } }, NOW);
        readServiceNow(a, NOW);
        readServiceNow({ event: 'acknowledged', text: a, at: b, sys_id: b }, NOW);
      }),
    );
  });
});

describe('ServiceNow calls', () => {
  test('take the names of the incident table, and a time without a zone as UTC', () => {
    const reading = readServiceNow(
      {
        correlation_id: 'k',
        sys_id: 's',
        number: 'INC1',
        state: '2',
        sys_updated_by: 'jane',
        sys_updated_on: '2026-09-14 08:31:40',
      },
      NOW,
    );
    expect(reading).toMatchObject({
      read: 'news',
      news: {
        event: 'acknowledged',
        actor: 'jane',
        at: '2026-09-14T08:31:40.000Z',
        clues: { vendorKey: 'k', record: 's' },
      },
    });
  });

  test('have the same key when the rule fires twice, another one for another state', () => {
    const key = (body: unknown): unknown => {
      const reading = readServiceNow(body, NOW);
      return reading.read === 'news' ? reading.news.eventKey : reading.read;
    };
    expect(key({ sys_id: 's', state: '2' })).toBe(key({ sys_id: 's', state: '2' }));
    expect(key({ sys_id: 's', state: '2' })).not.toBe(key({ sys_id: 's', state: '6' }));
    expect(key({})).toBe('odd');
    expect(key({ state: '1' })).toBe('ignored');
  });
});

test('a time of the future, of another age or of no kind gives way to the receipt time', () => {
  for (const odd of ['2030-01-01T00:00:00Z', '1999-01-01', 'soon', 5, null, {}]) expect(timeField(odd, NOW)).toBe(NOW);
});

test('tracking IDs are found in brackets first, last bracket before the others', () => {
  expect(trackingIdsIn('[Outage] ABC-1 (not this) (CNT1-0AR)')[0]).toBe('cnt1-0ar');
  expect(trackingIdsIn('mitigation of VM3-9KL')).toContain('vm3-9kl');
});
