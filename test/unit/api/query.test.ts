/** What a query string brings reaches Postgres: nothing in it may be what Postgres refuses. */
import { expect, test } from 'vitest';
import { IncidentQuery } from '#src/api/schemas.ts';

test.each(['service', 'region', 'subscription', 'source', 'q', 'cursor'])(
  'U+0000 in %s is taken out: it would be an error of the database, and a 500',
  (key) => {
    for (const odd of ['\u0000', 'a\u0000b', ',\u0000,']) {
      const parsed = IncidentQuery.parse({ [key]: odd });
      expect(JSON.stringify(parsed)).not.toContain('\\u0000');
    }
  },
);

test.each(['state', 'kind'])('%s takes known words in any case and nothing else', (key) => {
  const [one, two] = key === 'state' ? ['planned', 'active'] : ['outage', 'alert'];
  expect(IncidentQuery.parse({ [key]: ` ${one.toUpperCase()} ,,${two}` })[key as 'state' | 'kind']).toEqual([one, two]);
  expect(IncidentQuery.parse({ [key]: [one, two] })[key as 'state' | 'kind']).toEqual([one, two]);
  expect(IncidentQuery.parse({})[key as 'state' | 'kind']).toEqual([]);
  for (const odd of ['nothing', `${one},\u0000`, `${one}\u0000`, 'constructor'])
    expect(IncidentQuery.safeParse({ [key]: odd }).success).toBe(false);
});
