/** What a query string brings reaches Postgres: nothing in it may be what Postgres refuses. */
import { expect, test } from 'vitest';
import { IncidentQuery } from '#src/api/schemas.ts';

test.each(['state', 'kind', 'service', 'region', 'subscription', 'source', 'q', 'cursor'])(
  'U+0000 in %s is taken out: it would be an error of the database, and a 500',
  (key) => {
    for (const odd of ['\u0000', 'a\u0000b', ',\u0000,']) {
      const parsed = IncidentQuery.parse({ [key]: odd });
      expect(JSON.stringify(parsed)).not.toContain('\\u0000');
    }
  },
);
