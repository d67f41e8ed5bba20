/** What counts as covered, what changed, how it is said. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { driftOf } from '#src/core/coverage-drift.ts';
import { coverageLine, coverageSentences, countByFinding } from '#src/core/coverage-words.ts';
import { isWell, judgeCoverage, type CoverageInput } from '#src/core/coverage.ts';
import { EVENT_TYPES, waysOf, type GroupFacts, type ReceiverFacts, type RuleFacts } from '#src/core/coverage-paths.ts';

const SUB = '11111111-0000-0000-0000-000000000001';

function rule(more: Partial<RuleFacts> = {}): RuleFacts {
  return {
    id: 'rule-1',
    name: 'sh',
    subscription: SUB,
    enabled: true,
    scopes: [`/subscriptions/${SUB}`],
    conditions: [{ field: 'category', values: ['ServiceHealth'] }],
    groups: ['group-1'],
    ...more,
  };
}

const RECEIVER: ReceiverFacts = {
  name: 'relay',
  via: 'webhook',
  to: 'https://relay.example/v1/receivers/azure-monitor',
  leads: 'here',
  secure: true,
  entry: 'open',
};

function group(more: Partial<GroupFacts> = {}): GroupFacts {
  return { id: 'group-1', name: 'ag', location: 'Global', enabled: true, receivers: 1, ours: [RECEIVER], ...more };
}

function input(more: Partial<CoverageInput> & { groupList?: GroupFacts[] } = {}): CoverageInput {
  const { groupList = [group()], ...rest } = more;
  return {
    subscriptions: [{ id: SUB, name: 'Payments' }],
    unseen: [],
    rules: [rule()],
    groups: new Map(groupList.map((one) => [one.id, one])),
    exports: [],
    exportsUnread: new Map(),
    heard: new Map(),
    changes: new Map(),
    before: null,
    wanted: { types: EVENT_TYPES, services: [], exempt: [], ignore: [] },
    ...rest,
  };
}

const row = (more: Parameters<typeof input>[0] = {}) => judgeCoverage(input(more)).subscriptions[0]!;
const kinds = (more: Parameters<typeof input>[0] = {}) => row(more).findings.map((one) => one.kind);

describe('what covers', () => {
  test('one whole way is enough, whatever stands in the others', () => {
    const off = rule({ id: 'rule-2', name: 'off', enabled: false });
    expect(row({ rules: [off, rule()] })).toMatchObject({ status: 'covered', findings: [] });
  });

  test('two half ways are none: the clearest of them is told', () => {
    const rules = [rule({ enabled: false }), rule({ id: 'rule-2', name: 'two', groups: ['group-2'] })];
    const groupList = [group({ enabled: false }), group({ id: 'group-2', name: 'far', location: 'swedencentral' })];
    expect(kinds({ rules, groupList })).toEqual(['group-not-global']);
  });

  test('event types add up over rules; a rule that asks for two sets has what is in both', () => {
    const types = (id: string, ...values: string[][]): RuleFacts =>
      rule({
        id,
        conditions: [
          ...rule().conditions,
          ...values.map((list) => ({ field: 'properties.incidenttype', values: list })),
        ],
      });
    const one = types('rule-1', ['Incident', 'Security']);
    const rest = types('rule-2', ['maintenance', 'INFORMATIONAL', 'ActionRequired']);
    expect(kinds({ rules: [one, rest] })).toEqual([]);
    expect(row({ rules: [one] }).findings[0]!.detail).toContain('Maintenance, Informational, ActionRequired');
    expect(
      waysOf(SUB, input({ rules: [types('rule-1', ['Incident', 'Security'], ['Security'])] })).paths[0]!.types,
    ).toEqual(['Security']);
  });

  test('what is wanted decides: two types are whole where two are asked for, and a service that does not come is told', () => {
    const narrow = rule({
      conditions: [
        ...rule().conditions,
        { field: 'properties.incidenttype', values: ['Incident', 'Security'] },
        { field: 'properties.impactedservices[*].servicename', values: ['Container Registry'] },
      ],
    });
    const wanted = {
      types: ['Incident', 'Security'] as const,
      services: ['container registry'],
      exempt: [],
      ignore: [],
    };
    expect(kinds({ rules: [narrow], wanted })).toEqual([]);
    expect(kinds({ rules: [narrow], wanted: { ...wanted, services: ['Container Registry', 'Key Vault'] } })).toEqual([
      'services-missing',
    ]);
  });

  test('a rule of another subscription, of a resource group, of the tenant or of another category covers nothing', () => {
    const others = [
      rule({ subscription: 'other', scopes: [`/subscriptions/${SUB}`] }),
      rule({ scopes: [`/subscriptions/${SUB}/resourceGroups/rg`] }),
      rule({ scopes: [] }),
      rule({ conditions: [{ field: 'category', values: ['Administrative'] }] }),
      rule({ conditions: [{ field: 'description', values: ['ServiceHealth'] }] }),
    ];
    for (const one of others) expect(kinds({ rules: [one] })).toEqual(['no-rule']);
  });
});

describe('never "all is well"', () => {
  test('what is hidden or unread is unknown, unless another way is seen to be whole', () => {
    const hidden = group({ ours: [{ ...RECEIVER, leads: 'hidden' }] });
    expect(row({ groupList: [hidden] }).status).toBe('unknown');
    expect(row({ groupList: [] }).status).toBe('unknown');
    expect(row({ rules: [], exportsUnread: new Map([[SUB, '403']]) }).status).toBe('unknown');
    const both = [rule(), rule({ id: 'rule-2', groups: ['gone'] })];
    expect(row({ rules: both }).status).toBe('covered');
  });

  test('exempt ones and ignored kinds are well; an ignored kind never hides a fault', () => {
    const wanted = { types: EVENT_TYPES, services: [], exempt: [SUB], ignore: ['plain-webhook'] as const };
    expect(isWell(judgeCoverage(input({ rules: [], wanted })))).toBe(true);
    const plain = group({ ours: [{ ...RECEIVER, secure: false }] });
    const notExempt = { ...wanted, exempt: [] };
    expect(kinds({ groupList: [plain] })).toEqual(['plain-webhook']);
    expect(isWell(judgeCoverage(input({ groupList: [plain], wanted: notExempt })))).toBe(true);
    expect(kinds({ groupList: [{ ...plain, enabled: false }], wanted: notExempt })).toEqual(['group-off']);
  });

  test('whatever the facts are, a subscription without a whole way is never covered, and one with a whole way always reaches us', () => {
    const receiver = fc.record({
      name: fc.constantFrom('a', 'b'),
      via: fc.constantFrom('webhook' as const, 'event-hub' as const),
      to: fc.constant('x'),
      leads: fc.constantFrom('here' as const, 'wrong-address' as const, 'hidden' as const),
      secure: fc.boolean(),
      entry: fc.constantFrom('open' as const, 'refused' as const),
    });
    const groups = fc.array(
      fc.record({
        id: fc.constantFrom('g1', 'g2', 'g3'),
        name: fc.constant('ag'),
        location: fc.constantFrom('Global', 'global', 'northeurope'),
        enabled: fc.boolean(),
        receivers: fc.integer({ min: 0, max: 2 }),
        ours: fc.array(receiver, { maxLength: 2 }),
      }),
      { maxLength: 3 },
    );
    const rules = fc.array(
      fc.record({
        id: fc.constantFrom('r1', 'r2'),
        name: fc.constant('sh'),
        subscription: fc.constantFrom(SUB, 'other'),
        enabled: fc.boolean(),
        scopes: fc.constantFrom([], [`/subscriptions/${SUB}`]),
        conditions: fc.constantFrom([], [{ field: 'category', values: ['ServiceHealth'] }]),
        groups: fc.subarray(['g1', 'g2', 'g3', 'g4']),
      }),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(rules, groups, (ruleList, groupList) => {
        const known = new Map<string, GroupFacts>(groupList.map((one) => [one.id, one]));
        // The definition again, in other words.
        const whole = ruleList.some(
          (one) =>
            one.enabled &&
            one.subscription === SUB &&
            one.scopes.length > 0 &&
            one.conditions.length > 0 &&
            one.groups.some((id) => {
              const found = known.get(id);
              const open = found?.ours.some((door) => door.leads === 'here' && door.entry === 'open') ?? false;
              return open && found!.enabled && found!.receivers > 0 && found!.location.toLowerCase() === 'global';
            }),
        );
        const { status, findings } = row({ rules: ruleList, groupList });
        expect(['covered', 'weak'].includes(status)).toBe(whole);
        expect(status === 'covered').toBe(whole && findings.length === 0);
        if (!whole) expect(findings.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('drift', () => {
  const audit = (more: Parameters<typeof input>[0] = {}) => judgeCoverage(input(more));

  test('the first audit has none; the order of lists is none; an addition is none', () => {
    const two = (values: string[]): RuleFacts =>
      rule({ conditions: [...rule().conditions, { field: 'properties.impactedservices[*].servicename', values }] });
    expect(driftOf(null, audit())).toEqual(new Map());
    expect(driftOf(audit({ rules: [two(['A', 'B'])] }), audit({ rules: [two(['B', 'A'])] }))).toEqual(new Map());
    const more = [rule(), rule({ id: 'rule-2', name: 'second' })];
    expect(driftOf(audit(), audit({ rules: more }))).toEqual(new Map());
  });

  test('every field that matters is named with its old and its new value', () => {
    const plain = group({ ours: [{ ...RECEIVER, secure: false, to: 'https://relay.example/other' }] });
    const narrow = rule({
      conditions: [
        ...rule().conditions,
        { field: 'status', values: ['Active'] },
        { field: 'properties.incidenttype', values: ['Incident'] },
      ],
    });
    expect(driftOf(audit(), audit({ rules: [narrow], groupList: [plain] })).get(SUB)).toEqual([
      'sh by ag: address https://relay.example/v1/receivers/azure-monitor → https://relay.example/other',
      'sh by ag: secure webhook yes → no',
      'sh by ag: event types ActionRequired, Incident, Informational, Maintenance, Security → Incident',
      'sh by ag: other conditions none → status = Active',
    ]);
  });
});

describe('in words', () => {
  test('all is well is one short line', () => {
    const audit = judgeCoverage(input());
    expect(coverageLine(audit)).toBe('1 of 1 subscription reach us');
    expect(coverageSentences(audit)).toEqual([]);
  });

  test('every kind has one sentence that names five and counts the rest', () => {
    const subscriptions = Array.from({ length: 7 }, (_, n) => ({ id: `sub-${n}`, name: null }));
    const audit = judgeCoverage(input({ subscriptions, rules: [], heard: new Map([['stranger', '2026-01-01']]) }));
    expect(coverageLine(audit)).toBe('0 of 7 subscriptions reach us; 7 do not, 1 heard from, but not in the estate');
    expect(coverageSentences(audit)).toEqual([
      'No Service Health rule (7): sub-0, sub-1, sub-2, sub-3, sub-4 and 2 more.',
      'Heard from, but not in the estate (1): stranger.',
    ]);
    expect(countByFinding(audit)).toMatchObject({ 'no-rule': 7, unlisted: 1, changed: 0 });
  });
});
