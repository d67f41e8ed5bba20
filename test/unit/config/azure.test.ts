/** The sections that read Azure. */
import { describe, expect, test } from 'vitest';
import { loadConfig, type LoadResult } from '#src/config/load.ts';
import { configSecrets } from '#src/config/secrets.ts';
import { adapters, GOOD } from './fixture.ts';

function load(sections: string, files: Record<string, string> = {}): LoadResult {
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  };
  return loadConfig(GOOD + sections, {
    file: '/etc/relay/relay.yaml',
    env: { T: 'a-very-secret-token' },
    adapters,
    readFile,
  });
}

function good(sections: string, files?: Record<string, string>) {
  const result = load(sections, files);
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result;
}

const faults = (sections: string, files?: Record<string, string>): string[] => {
  const result = load(sections, files);
  return result.ok ? [] : result.faults.map((fault) => `${fault.path}: ${fault.message}`);
};

describe('azure, backfill, estate', () => {
  test('without azure nothing is asked, and azure: {} is enough for all of it', () => {
    expect(good('').config).toMatchObject({ azure: null, backfill: null, estate: null, owners: null });
    expect(good('azure: {}\n').config).toMatchObject({
      azure: { subscriptions: 'all', armUrl: 'https://management.azure.com', callsMax: 2000 },
      backfill: { everyMs: 300_000, lookbackMs: 3_600_000, graceMs: 300_000, activityLog: null },
      estate: { file: null, everyMs: 3_600_000, staleAfterMs: 86_400_000 },
    });
    expect(good('azure: {}\nbackfill: { enabled: false }\nestate: { enabled: false }\n').config).toMatchObject({
      backfill: null,
      estate: null,
    });
  });

  test('a file needs no azure, lies beside the config and grows stale only when asked to', () => {
    expect(good('estate: { file: estate.json }\n').config.estate).toEqual({
      file: '/etc/relay/estate.json',
      everyMs: 3_600_000,
      staleAfterMs: null,
    });
  });

  test('the access token is a secret', () => {
    const { config } = good('azure: { accessToken: "${T}" }\n');
    expect(configSecrets(config)).toContain('a-very-secret-token');
    expect(JSON.stringify(config)).not.toContain('a-very-secret-token');
  });
});

describe('the activity log in back-fill', () => {
  test('is off unless a workspace is named', () => {
    expect(good('azure: {}\n').config.backfill).toMatchObject({ activityLog: null });
    const given = 'azure: {}\nbackfill: { activityLog: { workspaces: [44444444-DDDD-4ddd-8ddd-000000000001] } }\n';
    expect(good(given).config.backfill).toMatchObject({
      everyMs: 300_000,
      activityLog: {
        workspaces: ['44444444-dddd-4ddd-8ddd-000000000001'],
        callsMax: 20,
        logsUrl: 'https://api.loganalytics.io',
        logsScope: 'https://api.loganalytics.io/.default',
      },
    });
  });

  test('without an identity, without a workspace, or with one by name it is refused; with back-fill off there is a warning', () => {
    const section = 'activityLog: { workspaces: [44444444-dddd-4ddd-8ddd-000000000001] }';
    expect(faults(`backfill: { ${section} }\n`)).toEqual([
      'backfill.activityLog: needs azure: the activity log is read with its identity',
    ]);
    expect(faults('azure: {}\nbackfill: { activityLog: {} }\n').join()).toContain('backfill.activityLog.workspaces');
    expect(faults('azure: {}\nbackfill: { activityLog: { workspaces: [] } }\n').join()).toContain(
      'at least one workspace',
    );
    expect(faults('azure: {}\nbackfill: { activityLog: { workspaces: [logs] } }\n').join()).toContain(
      'must be the id of a Log',
    );
    const { warnings } = good(`azure: {}\nbackfill: { enabled: false, ${section} }\n`);
    expect(warnings.map((warning) => warning.message).join()).toContain('while backfill.enabled is false');
  });
});

describe('owners', () => {
  test('scopes come from a file, ids in lower case', () => {
    const files = {
      '/etc/relay/owners.csv': 'scope,owner\n/subscriptions/AAA,payments\n/subscriptions/B/resourceGroups/Rg/,search\n',
    };
    const { config } = good(
      'owners: { file: owners.csv, destinations: { Payments: hook }, default: [oncall] }\n',
      files,
    );
    expect([...config.owners!.scopes]).toEqual([
      ['aaa', 'payments'],
      ['/subscriptions/b/resourcegroups/rg', 'search'],
    ]);
    expect([...config.owners!.destinations]).toEqual([['payments', ['hook']]]);
  });

  test('names must point at something', () => {
    expect(faults('owners: { tag: owner, destinations: { a: [hook, hok] }, default: [none] }\n')).toEqual([
      'owners.destinations.a: unknown destination "hok"',
      'owners.default[0]: unknown destination "none"',
    ]);
    expect(faults('owners: { file: gone.csv }\n')).toEqual(['owners.file: cannot read "gone.csv" (ENOENT)']);
    expect(faults('owners: { file: o.csv }\n', { '/etc/relay/o.csv': 'a,b\n' })).toEqual([
      'owners.file: o.csv has no columns scope and owner',
    ]);
  });

  test('to: [owners] needs the section, and without a default there is a warning', () => {
    const route = 'routes: [{ match: {}, to: [owners] }]\n';
    const body = GOOD.replace(/^routes:[\s\S]*$/m, '');
    const run = (sections: string) => loadConfig(body + route + sections, { file: 'relay.yaml', env: {}, adapters });
    const without = run('');
    expect(without.ok ? [] : without.faults.map((fault) => fault.message)).toEqual(['nothing says who the owners are']);
    const withIt = run('owners: { tag: owner }\n');
    expect(withIt.ok && withIt.warnings.map((warning) => warning.path)).toContain('owners');
  });
});

describe('evidence', () => {
  test('is asked for only where the section stands, and then metrics are enough', () => {
    expect(good('azure: {}\n').config.evidence).toBeNull();
    expect(good('azure: {}\nevidence: {}\n').config.evidence).toEqual({
      metrics: true,
      workspaces: [],
      everyMs: 300_000,
      callsMax: 200,
      metricsUrl: 'https://{region}.metrics.monitor.azure.com',
      metricsScope: 'https://metrics.monitor.azure.com/.default',
      logsUrl: 'https://api.loganalytics.io',
      logsScope: 'https://api.loganalytics.io/.default',
    });
    const given = `azure: {}
evidence: { every: 1m, logsUrl: "https://api.loganalytics.us/", workspaces: [44444444-DDDD-4ddd-8ddd-000000000001] }
`;
    expect(good(given).config.evidence).toMatchObject({
      everyMs: 60_000,
      logsScope: 'https://api.loganalytics.us/.default',
      workspaces: ['44444444-dddd-4ddd-8ddd-000000000001'],
    });
  });

  test('without an identity, without anything to ask, or with a workspace by name it is refused, in words', () => {
    expect(faults('evidence: {}\n')).toEqual(['evidence: needs azure: metrics and logs are read with its identity']);
    expect(faults('azure: {}\nevidence: { metrics: false }\n').join()).toContain('asks nothing');
    expect(faults('azure: {}\nevidence: { workspaces: [my-workspace] }\n').join()).toContain('must be the id of a Log');
    expect(faults('azure: {}\nevidence: { metricsUrl: ftp://x }\n').join()).toContain('must be an http or https');
    expect(faults('azure: {}\nevidence: { maxCalls: 0 }\n').join()).toContain('at least 5');
  });

  test('that can find nothing, since the estate is off, is a warning', () => {
    const { warnings } = good('azure: {}\nestate: { enabled: false }\nevidence: {}\n');
    expect(warnings.map((warning) => warning.message).join()).toContain('while estate.enabled is false');
  });
});
