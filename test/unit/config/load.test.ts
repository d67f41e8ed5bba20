import { describe, expect, test } from 'vitest';
import { loadConfigFile } from '#src/config/load.ts';
import { adapters, faultLines, good, GOOD, load, warningLines } from './fixture.ts';

describe('a config without a fault', () => {
  test('an empty one has every default', () => {
    const config = good('');
    expect(config).toMatchObject({
      relayId: 'relay',
      publicUrl: null,
      receivers: {
        tokens: [],
        eventHubs: [],
        eventGrid: { allowSubscriptions: null, allowOrigins: null },
        entra: null,
      },
      api: { tokens: [] },
      metrics: { open: false },
      egress: { allow: [] },
      retention: { rawMs: 90 * 86_400_000, incidentsMs: 400 * 86_400_000 },
      destinations: [],
      routes: [],
      default: [],
      tests: null,
      silences: [],
      passThrough: false,
    });
  });

  test('sections that are commented out below their key count as absent', () => {
    expect(good('receivers:\n  # tokens: []\nroutes:\ndestinations:\n').routes).toEqual([]);
  });

  test('so do lists and keys that are commented out within a section, but no destination does', () => {
    const config = good(
      'receivers:\n  tokens:\n  eventHubs:\napi:\n  tokens:\negress:\n  allow:\nretention:\n  raw:\n',
    );
    expect([config.receivers.tokens, config.api.tokens, config.egress.allow]).toEqual([[], [], []]);
    expect(config.retention.rawMs).toBe(90 * 86_400_000);
    expect(faultLines('destinations:\n  oncall:\n')).toEqual([
      expect.stringContaining('must be a map with at least a type'),
    ]);
  });

  test('words of a match are known in any case, as routes compare them, and misspelt ones are faults', () => {
    const match = (text: string): string => `${GOOD}  - match: { ${text} }\n    to: [hook]\n`;
    expect(faultLines(match('kind: [Outage, "resour*"], severity: CRITICAL, estate: Hit'))).toEqual([]);
    expect(faultLines(match('estate: maybe'))).toEqual([
      expect.stringContaining('"maybe" is nothing that estate can be; known: hit, none'),
    ]);
  });

  test('destinations carry the common keys with the defaults of their adapter', () => {
    const [oncall, hook] = good(GOOD).destinations;
    expect(oncall).toMatchObject({
      name: 'oncall',
      id: 'oncall',
      type: 'pager',
      updates: { policy: 'lifecycle' },
      concurrency: 4,
      rate: null,
      retry: { scheduleMs: [5000, 15_000, 30_000, 60_000, 120_000, 300_000], giveUpAfterMs: 86_400_000 },
      failOpen: true,
      fallback: null,
      sensitive: 'full',
      timezone: 'UTC',
      retired: false,
    });
    expect(hook).toMatchObject({
      updates: { policy: 'each' },
      failOpen: false,
      settings: { url: 'https://example.org/hook' },
    });
  });

  test('common keys are read and kept from the adapter', () => {
    const config = good(`default: [oncall]
destinations:
  oncall:
    type: pager
    routingKey: "0123456789abcdef0123456789abcdef"
    id: old-name
    retired: false
    updates: { policy: latest, minInterval: 15m }
    concurrency: 2
    rate: { max: 120, per: 1m }
    retry: { schedule: [1s, 1m30s], giveUpAfter: 2h }
    failOpen: false
    fallback: { to: other }
    sensitive: redacted
    timezone: Europe/Berlin
  other: { type: pager, routingKey: "0123456789abcdef0123456789abcdef", updates: { policy: digest, at: "07:30" }, rate: off }
`);
    expect(config.destinations[0]).toMatchObject({
      id: 'old-name',
      updates: { policy: 'latest', minIntervalMs: 900_000 },
      concurrency: 2,
      rate: { max: 120, perMs: 60_000 },
      retry: { scheduleMs: [1000, 90_000], giveUpAfterMs: 7_200_000 },
      failOpen: false,
      fallback: { to: 'other', afterMs: 300_000 },
      sensitive: 'redacted',
      timezone: 'Europe/Berlin',
      settings: { routingKey: '0123456789abcdef0123456789abcdef' },
    });
    expect(config.destinations[1]).toMatchObject({ updates: { policy: 'digest', at: '07:30' }, rate: null });
  });

  test('routes take one pattern or a list, and keep their order', () => {
    const { routes } = good(`${GOOD}  - match: { service: [Container Registry, "Azure Kubernetes*"], team: payments }
    name: payments
    to: [oncall]
    stop: true
    runbook: https://wiki.example/x
    fields: { urgency: 1 }
`);
    expect(routes[2]).toEqual({
      name: 'payments',
      match: { service: ['Container Registry', 'Azure Kubernetes*'], team: ['payments'] },
      to: ['oncall'],
      stop: true,
      runbook: 'https://wiki.example/x',
      note: null,
      fields: { urgency: '1' },
      sustained: null,
      flapping: null,
    });
  });

  test('event hubs and entra are completed', () => {
    const { receivers } = good(`receivers:
  eventHubs:
    - { name: a, source: prod, connectionString: "Endpoint=sb://x/;SharedAccessKey=k;EntityPath=hub" }
    - { name: b, source: prod, namespace: contoso, hub: activity, consumerGroup: relay, subscription: ABC }
  entra: { tenant: t, audience: [api://relay] }
`);
    expect(receivers.eventHubs[0]).toMatchObject({
      consumerGroup: '$Default',
      namespace: null,
      hub: null,
      subscription: null,
    });
    expect(receivers.eventHubs[1]).toMatchObject({
      namespace: 'contoso.servicebus.windows.net',
      connectionString: null,
      subscription: 'abc',
    });
    expect(receivers.entra).toMatchObject({
      appId: '461e8683-5575-4561-ac7f-899cc907d62a',
      authority: 'https://login.microsoftonline.com',
    });
  });
});

describe('a broken config', () => {
  test('names all faults at once, also across sections that are broken', () => {
    const lines = faultLines(
      GOOD.replace('to: [oncall, hook]', 'to: [oncal, hook]')
        .replace('type: webhook', 'type: wehbook')
        .replace('receiver-token-000000000001', '${NOT_SET_ANYWHERE}')
        .replace('relayId: contoso', 'relayId: "two words"')
        .concat('tests: hok\nretention: { raw: soon }\n'),
    );
    expect(lines).toEqual([
      'relay.yaml:1:10 relayId: must be letters, digits, dots, dashes and underscores, at most 63',
      'relay.yaml:3:35 receivers.tokens[0].token: the environment variable NOT_SET_ANYWHERE is not set; set it, or write $${ for a plain ${',
      'relay.yaml:6:17 destinations.hook.type: unknown type "wehbook"; did you mean "webhook"?',
      'relay.yaml:9:10 routes[0].to[0]: unknown destination "oncal"; did you mean "oncall"?',
      'relay.yaml:12:8 tests: unknown destination "hok"; did you mean "hook"?',
      'relay.yaml:13:19 retention.raw: is not a duration; write 30s, 5m, 24h or 90d',
    ]);
  });

  test.each([
    [
      'a misspelled section',
      'destination: {}\n',
      'relay.yaml:1:1 destination: unknown key "destination"; did you mean "destinations"?',
    ],
    [
      'a misspelled match key',
      'routes:\n  - match: { regoin: x }\n    to: [a]\n',
      'relay.yaml:2:14 routes[0].match.regoin: unknown key "regoin"; did you mean "region"?',
    ],
    [
      'a misspelled key of an adapter',
      GOOD.replace('secret:', 'secrt:'),
      'relay.yaml:6:59 destinations.hook.secrt: unknown key "secrt"; did you mean "secret"?',
    ],
    [
      'a misspelled common key',
      GOOD.replace('secret:', 'fallbak: {}, secret:'),
      'relay.yaml:6:59 destinations.hook.fallbak: unknown key "fallbak"; did you mean "fallback"?',
    ],
    [
      'a key inside a union',
      GOOD.replace('secret:', 'updates: { policy: latest, minIntervall: 3m }, secret:'),
      'relay.yaml:6:86 destinations.hook.updates.minIntervall: unknown key "minIntervall"; did you mean "minInterval"?',
    ],
    [
      'a wrong policy',
      GOOD.replace('secret:', 'updates: lifecylce, secret:'),
      'relay.yaml:6:68 destinations.hook.updates: must be one of each, latest, lifecycle, digest; did you mean "lifecycle"?',
    ],
    [
      'a wrong policy in a map',
      GOOD.replace('secret:', 'updates: { policy: newest }, secret:'),
      'relay.yaml:6:78 destinations.hook.updates.policy: must be one of each, lifecycle, latest, digest',
    ],
    [
      'a wrong word of an adapter',
      GOOD.replace('secret:', 'auth: { type: baisc }, secret:'),
      'relay.yaml:6:73 destinations.hook.auth.type: must be one of basic, apiKey; did you mean "basic"?',
    ],
    [
      'a missing key of an adapter',
      GOOD.replace(', secret: "hook-secret-1"', ''),
      'relay.yaml:6:3 destinations.hook.secret: is missing; must be a text (in quotes)',
    ],
    [
      'a missing type',
      GOOD.replace('type: pager, ', ''),
      'relay.yaml:5:3 destinations.oncall.type: is missing; known: pager, webhook',
    ],
    [
      'a bad duration',
      GOOD.replace('secret:', 'retry: { schedule: [5s, 5 minutes] }, secret:'),
      'relay.yaml:6:83 destinations.hook.retry.schedule[1]: is not a duration; write 30s, 5m, 24h or 90d',
    ],
    [
      'a duration without a unit',
      GOOD.replace('secret:', 'retry: { giveUpAfter: 24 }, secret:'),
      'relay.yaml:6:81 destinations.hook.retry.giveUpAfter: is not a duration; write 30s, 5m, 24h or 90d',
    ],
    [
      'an unknown time zone',
      GOOD.replace('secret:', 'timezone: Europe/Belrin, secret:'),
      'relay.yaml:6:69 destinations.hook.timezone: is not a time zone; write an IANA name such as Europe/Berlin',
    ],
    [
      'a route to nowhere',
      GOOD.replace('[oncall, hook]', '[]'),
      'relay.yaml:9:5 routes[0].to: must name at least one destination',
    ],
    [
      'a route without match',
      GOOD.replace('match: {}\n    to', 'to'),
      'relay.yaml:10:5 routes[1].match: is missing; write match: {} for a route that takes every incident',
    ],
    [
      'an empty list of patterns',
      GOOD.replace('kind: outage', 'region: []'),
      'relay.yaml:8:14 routes[0].match.region: is empty and would match nothing; leave the key out to ask for nothing',
    ],
    [
      'an unknown kind',
      GOOD.replace('kind: outage', 'kind: [outage, maintainance]'),
      'relay.yaml:8:29 routes[0].match.kind[1]: "maintainance" is no kind; did you mean "maintenance"?',
    ],
    [
      'an unknown severity',
      GOOD.replace('kind: outage', 'severity: eror'),
      'relay.yaml:8:24 routes[0].match.severity: "eror" is no severity; did you mean "error"?',
    ],
    [
      'a default that is not there',
      GOOD.replace('secret:', 'id: h, secret:').concat('default: [hok]\n'),
      'relay.yaml:12:11 default[0]: unknown destination "hok"; did you mean "hook"?',
    ],
    [
      'a fallback that is not there',
      GOOD.replace('secret:', 'fallback: { to: oncal }, secret:'),
      'relay.yaml:6:75 destinations.hook.fallback.to: unknown destination "oncal"; did you mean "oncall"?',
    ],
    [
      'a fallback to itself',
      GOOD.replace('secret:', 'fallback: { to: hook }, secret:'),
      'relay.yaml:6:75 destinations.hook.fallback.to: a destination cannot be its own fallback',
    ],
    [
      'failOpen without dedup by key',
      GOOD.replace('secret:', 'failOpen: true, secret:'),
      'relay.yaml:6:69 destinations.hook.failOpen: cannot be true for webhook: it does not recognise a repeated opening; only vendors that dedup by key can be opened without the database',
    ],
    [
      'an id that is taken',
      GOOD.replace('secret:', 'id: oncall, secret:'),
      'relay.yaml:6:63 destinations.hook.id: the id "oncall" is taken by the destination "oncall"; two destinations with one id would share their vendor keys',
    ],
    [
      'a short token',
      GOOD.replace('receiver-token-000000000001', 'short'),
      'relay.yaml:3:35 receivers.tokens[0].token: must have at least 16 characters; make one with: openssl rand -hex 24',
    ],
    [
      'a duplicate key',
      GOOD.replace('  hook:', '  oncall:'),
      'relay.yaml:6:3: this key stands twice in the same map; remove one of the two',
    ],
    [
      'a private target',
      GOOD.replace('https://example.org', 'https://10.1.2.3'),
      'relay.yaml:6:3 destinations.hook: its target is refused: 10.1.2.3 is private, loopback, link-local or reserved; name it in egress.allow to permit it',
    ],
    [
      'a target without TLS',
      GOOD.replace('https://example.org', 'http://example.org'),
      'relay.yaml:6:3 destinations.hook: its target is refused: example.org would be called without TLS; use https or name it in egress.allow',
    ],
    [
      'a wrong egress rule',
      'egress: { allow: [10.0.0.0/40] }\n',
      'relay.yaml:1:19 egress.allow[0]: 10.0.0.0/40 is not a CIDR such as 10.1.0.0/16',
    ],
    [
      'an event hub without a way in',
      'receivers: { eventHubs: [{ name: a, source: b }] }\n',
      'relay.yaml:1:26 receivers.eventHubs[0]: needs either connectionString, or namespace and hub for managed identity',
    ],
    ['a list where a map belongs', 'receivers: []\n', 'relay.yaml:1:1 receivers: must be a map'],
    [
      'subscriptions of the wrong form',
      'subscriptions: [a]\n',
      'relay.yaml:1:1 subscriptions: must be a map of subscription ids, or the path of a CSV file',
    ],
    ['a text as a whole', 'hello\n', 'relay.yaml:1:1: must be a map'],
    [
      'a publicUrl without a scheme',
      'publicUrl: relay.example\n',
      'relay.yaml:1:12 publicUrl: must be an http or https address',
    ],
  ])('%s', (_, text, line) => {
    expect(faultLines(text).join('\n')).toContain(line);
  });

  test('a token that stands twice is named where it stands again, also between receivers and API', () => {
    const lines = faultLines(`receivers:
  tokens:
    - { source: a, token: same-token-000000000 }
    - { source: b, token: same-token-000000000 }
api: { tokens: [{ role: read, name: x, token: same-token-000000000 }] }
`);
    expect(lines).toEqual([
      'relay.yaml:4:27 receivers.tokens[1].token: this token stands here twice',
      'relay.yaml:5:47 api.tokens[0].token: this token is used already, here or by a receiver',
    ]);
  });

  test('text that is no YAML is one fault with its line and never quotes the source', () => {
    const lines = faultLines('relayId: x\nreceivers: [\n  topsecret\n}topsecret\n');
    expect(lines[0]).toMatch(/^relay\.yaml:[234]:\d+: not valid YAML: /);
    expect(lines.join('\n')).not.toContain('topsecret');
  });

  test('aliases that multiply are refused and not expanded', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`,
    );
    expect(faultLines(`l0: &l0 [x]\n${levels.join('\n')}\n`)[0]).toContain('aliases (*name) multiply too often');
  });

  test('a map that contains itself is a fault', () => {
    expect(faultLines('subscriptions: &s\n  a: *s\n').join('\n')).toMatch(/nested deeper|lead nowhere/);
  });

  test('an egress rule lets a private target through', () => {
    const text = GOOD.replace('https://example.org', 'http://127.0.0.1:9').concat('egress: { allow: [127.0.0.0/8] }\n');
    expect(faultLines(text)).toEqual([]);
  });

  test('a file that is not there is a fault that says how to make one', () => {
    const result = loadConfigFile({ file: '/nowhere/relay.yaml', env: {}, adapters });
    expect(result).toMatchObject({ ok: false, faults: [{ message: 'cannot be read (ENOENT)' }] });
  });

  test('an alias is read like what it stands for, and a fault points at where it stands', () => {
    const text = GOOD.replace('[oncall, hook]', '&both [oncal, hook]').concat('default: *both\n');
    expect(faultLines(text).map((line) => line.split(': unknown')[0])).toEqual([
      'relay.yaml:9:16 routes[0].to[0]',
      'relay.yaml:9:16 default[0]',
    ]);
  });
});

describe('warnings', () => {
  test('an incident that no route takes would go everywhere', () => {
    const text = GOOD.slice(0, GOOD.indexOf('  - match: {}'));
    expect(warningLines(text)).toEqual([
      'relay.yaml:7:1 routes: an incident that no route takes goes to every destination; add default: [...] or a last route with match: {}',
    ]);
    expect(warningLines(`${text}default: [hook]\n`)).toEqual([]);
    expect(warningLines(GOOD)).toEqual([]);
  });

  test('a retired destination that a route still names, and routes behind a full stop', () => {
    const text = GOOD.replace('type: pager', 'type: pager, retired: true')
      .replace('{ kind: outage }', '{}')
      .replace('to: [oncall, hook]', 'to: [oncall, hook]\n    stop: true');
    expect(warningLines(text)).toEqual([
      'relay.yaml:9:10 routes[0].to[0]: the destination "oncall" is retired and takes no new incident',
      'relay.yaml:11:5 routes[1]: is never reached: routes[0] takes every incident and stops',
    ]);
  });

  test('no destinations: nobody is told', () => {
    expect(load('')).toMatchObject({ ok: true, warnings: [{ path: 'destinations' }] });
  });
});
