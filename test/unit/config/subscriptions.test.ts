import { describe, expect, test } from 'vitest';
import { parseCsv } from '#src/config/csv.ts';
import { faultLines, good } from './fixture.ts';

const csv = (text: string) => ({ readFile: (path: string) => (path === 'conf/subs.csv' ? text : '') });

describe('subscriptions', () => {
  test('are kept by lower-cased id', () => {
    const { subscriptions } = good('subscriptions: { "AAAA-1": { name: Payments prod, team: payments } }\n');
    expect([...subscriptions]).toEqual([['aaaa-1', { name: 'Payments prod', team: 'payments', environment: null }]]);
  });

  test('come from a CSV file with columns in any order', () => {
    const text = '\uFEFFteam,id,name\r\npayments,AAAA-1,"Payments, ""prod"""\r\n\r\n,bbbb-2,\r\n';
    const { subscriptions } = good('subscriptions: { file: subs.csv }\n', csv(text));
    expect([...subscriptions]).toEqual([
      ['aaaa-1', { name: 'Payments, "prod"', team: 'payments', environment: null }],
      ['bbbb-2', { name: null, team: null, environment: null }],
    ]);
  });

  test('may name the file alone, and a fault of it stands there', () => {
    const { subscriptions } = good('subscriptions: subs.csv\n', csv('id,name\nA-1,One\n'));
    expect([...subscriptions]).toEqual([['a-1', { name: 'One', team: null, environment: null }]]);
    expect(faultLines('subscriptions: subs.csv\n', csv('a,b\n'))).toEqual([
      expect.stringMatching(/^relay\.yaml:1:16 subscriptions: subs\.csv has no column id/),
    ]);
    expect(faultLines('subscriptions: "${file:subs.csv}"\n', csv('id\nA-1\n'))[0]).toContain(
      'must be the path of a CSV file',
    );
  });

  test('faults of the file name its line', () => {
    const text = 'id,name\na,"two\nlines"\n,none\nA,again\n';
    expect(faultLines('subscriptions: { file: subs.csv }\n', csv(text))).toEqual([
      'relay.yaml:1:24 subscriptions.file: subs.csv line 4 has no id; the first line must be id,name,team,environment',
      'relay.yaml:1:24 subscriptions.file: subs.csv line 5 names a subscription a second time: "a"',
    ]);
    expect(faultLines('subscriptions: { file: subs.csv }\n', csv('a,b\n'))[0]).toContain('subs.csv has no column id');
  });

  test('a misspelled key and an id in two cases are faults', () => {
    expect(faultLines('subscriptions:\n  a: { naem: x }\n')).toEqual([
      'relay.yaml:2:8 subscriptions.a.naem: unknown key "naem"; did you mean "name"?',
    ]);
    expect(faultLines('subscriptions:\n  a: {}\n  A: {}\n')[0]).toContain(
      'relay.yaml:3:3 subscriptions.A: this subscription stands here twice',
    );
  });

  test('a CSV text without a last line end ends all the same', () => {
    expect(parseCsv('a,b\n1,2').map((row) => row.cells)).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
    expect(parseCsv('a,\n').map((row) => row.cells)).toEqual([['a', '']]);
    expect(parseCsv('')).toEqual([]);
  });
});
