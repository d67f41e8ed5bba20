import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as identity from '#src/core/identity.ts';
import { postHash } from '#src/core/fingerprint.ts';
import { utf8Bytes } from '#src/core/safe.ts';

const CLUSTER = '/subscriptions/1/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks1';
const KEY = {
  ruleId: '/rules/A',
  alertId: '/alerts/1',
  targets: ['/T/1', '/t/2'],
  labels: [['ns', 'a'] as const],
  stable: [],
};

test('identities are lower-case and built from ids', () => {
  expect(identity.serviceHealthIdentity(' CNT1-0AR ')).toBe('sh/cnt1-0ar');
  expect(identity.resourceHealthIdentity(CLUSTER)).toBe(`rh${CLUSTER.toLowerCase()}`);
  expect(identity.nodePoolIdentity(CLUSTER, 'Pool1')).toBe(`aks${CLUSTER.toLowerCase()}/nodepool/pool1`);
  expect(identity.clusterSupportIdentity(CLUSTER, '1.33.9')).toBe(`aks${CLUSTER.toLowerCase()}/support/1.33.9`);
  expect(identity.changeIdentity('/r', 'Write', 'C1')).toBe('change/r/write/c1');
  expect(identity.unrecognisedIdentity('prod', 'ab'.repeat(32))).toBe(`unrecognised/prod/${'ab'.repeat(16)}`);
});

test('no identity has more than 200 bytes, and long ones stay apart', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      const long = text.repeat(60);
      const [a, b] = [identity.serviceHealthIdentity(`${long}a`), identity.serviceHealthIdentity(`${long}b`)];
      expect(a).not.toBe(b);
      expect(utf8Bytes(a)).toBeLessThanOrEqual(200);
      expect(a.isWellFormed() && !a.includes('\0')).toBe(true);
    }),
  );
});

describe('an alert', () => {
  test('is the same for targets and labels in any order and case, whatever the alert id', () => {
    const other = { ...KEY, alertId: '/alerts/2', ruleId: '/RULES/a', targets: ['/t/2', '/t/1', '/t/1'] };
    expect(identity.alertIdentity(other)).toBe(identity.alertIdentity(KEY));
  });

  test('is another one for another rule, target or label', () => {
    const all = [
      KEY,
      { ...KEY, ruleId: '/rules/b' },
      { ...KEY, targets: ['/t/1'] },
      { ...KEY, labels: [['ns', 'b'] as const] },
      { ...KEY, labels: [] },
    ];
    expect(new Set(all.map(identity.alertIdentity)).size).toBe(all.length);
  });

  test('without a rule id is told by its alert id, and without that by what is stable', () => {
    expect(identity.alertIdentity({ ...KEY, ruleId: null, alertId: '/x/alerts/GUID-1/' })).toBe('alert/guid-1');
    const [a, b] = ['a', 'b'].map((name) =>
      identity.alertIdentity({ ...KEY, ruleId: null, alertId: null, stable: [name] }),
    );
    expect(a).not.toBe(b);
  });
});

describe('postHash', () => {
  test('is equal for one post as HTML and as text, in the words of webhook and export', () => {
    const html = '<p>Pulls &quot;fail&quot;.&nbsp;</p>\n<p><br></p><p>More soon.</p>';
    expect(postHash('Active', html)).toBe(postHash('Activated', 'Pulls "fail". More soon.'));
    expect(postHash('In Progress', html)).toBe(postHash('InProgress', html));
  });

  test('differs for another stage or another text', () => {
    expect(postHash('Active', 'x')).not.toBe(postHash('Resolved', 'x'));
    expect(postHash('Active', 'x')).not.toBe(postHash('Active', 'y'));
  });
});
