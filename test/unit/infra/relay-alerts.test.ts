/** Alert rules, metrics, runbooks and the dashboard hold together: no rule on a metric that is not there, no alert without its page. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '#src/metrics.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const RULES = 'infra/alerting/relay/rules.yaml';
const PAGES = 'docs/runbooks';

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}
const { groups } = parse(read(RULES)) as { groups: { name: string; interval: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

/** Names of ours and of prom-client's, with the labels that each has; histograms under the names that are scraped. */
async function knownMetrics(): Promise<Map<string, Set<string>>> {
  const metrics = createMetrics();
  const known = new Map<string, Set<string>>();
  for (const { name, type } of await metrics.registry.getMetricsAsJSON()) {
    const metric = metrics.registry.getSingleMetric(name) as unknown as { labelNames?: string[] };
    const labels = new Set(metric.labelNames ?? []);
    known.set(name, labels);
    // prom-client writes the kind as a word in some releases and as a number in others.
    if (String(type) === 'histogram' || 'bucketValues' in metric || 'upperBounds' in metric)
      for (const end of ['_bucket', '_sum', '_count']) known.set(name + end, new Set([...labels, 'le']));
  }
  return known;
}

/** Metrics of an expression, with the labels that its selector, and the `by` lists of the whole, name. */
function namesIn(expr: string): { metric: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:relay|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g)].map(
    ([, metric = '', inside = '']) => ({
      metric,
      labels: [...inside.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
    }),
  );
}

/** What a scraper adds. */
const SCRAPED = new Set(['job', 'instance']);

async function faultsOf(exprs: readonly string[]): Promise<string[]> {
  const known = await knownMetrics();
  return exprs.flatMap((expr) => {
    const used = namesIn(expr);
    const by = [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(',').map((one) => one.trim()),
    );
    return [
      ...(used.length === 0 ? [`nothing of ours in ${expr}`] : []),
      ...used.filter(({ metric }) => !known.has(metric)).map(({ metric }) => `no metric ${metric}`),
      ...used.flatMap(({ metric, labels }) =>
        [...labels, ...by]
          .filter((label) => known.has(metric) && !SCRAPED.has(label) && !known.get(metric)!.has(label))
          .map((label) => `${metric} has no label ${label}`),
      ),
    ];
  });
}

const SECTIONS = ['What it means', 'What to look at', 'What to do', 'How to see that it is over'];
const pageOf = (alert: string): string => `${PAGES}/${alert.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}.md`;

describe('the alert rules', () => {
  test('name only metrics and labels that the relay has', async () => {
    expect(rules.length).toBeGreaterThan(15);
    expect(await faultsOf(rules.map((rule) => rule.expr))).toEqual([]);
  });

  test('the check would find a metric and a label that are not there', async () => {
    const wrong = 'sum by (hub) (relay_spool_bytes{destination="x"}) > relay_nothing_total';
    expect(await faultsOf([wrong, 'up == 0'])).toEqual([
      'no metric relay_nothing_total',
      'relay_spool_bytes has no label destination',
      'relay_spool_bytes has no label hub',
      'nothing of ours in up == 0',
    ]);
  });

  test('each has its own name, a known severity, a summary, and fits managed Prometheus', () => {
    expect(new Set(rules.map((rule) => rule.alert)).size).toBe(rules.length);
    for (const group of groups) expect(group.rules.length).toBeLessThanOrEqual(20);
    for (const rule of rules) {
      expect(['critical', 'warning', 'info']).toContain(rule.labels.severity);
      expect(rule.annotations.summary.length).toBeGreaterThan(20);
      // prometheus.bicep writes it as PT5M.
      expect(rule.for ?? '0m').toMatch(/^\d+[mh]$/);
    }
  });

  test('each names its runbook, whose page has all four sections, and no page is left over', () => {
    for (const rule of rules) {
      expect(rule.annotations.runbook).toBe(pageOf(rule.alert));
      expect(existsSync(join(ROOT, rule.annotations.runbook)), rule.annotations.runbook).toBe(true);
      const page = read(rule.annotations.runbook);
      expect(page.startsWith(`# ${rule.alert}\n\nSeverity: ${rule.labels.severity}.`)).toBe(true);
      expect(page).toContain(rule.for ? `Fires after ${rule.for}.` : 'Fires at once.');
      const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, text = '']) => text);
      expect(headings, rule.alert).toEqual(SECTIONS);
      for (const part of page.split(/^## .+$/m).slice(1)) expect(part.trim().length, rule.alert).toBeGreaterThan(20);
    }
    const pages = readdirSync(join(ROOT, PAGES)).filter((name) => name !== 'README.md');
    expect(pages.sort()).toEqual(rules.map((rule) => pageOf(rule.alert).split('/').at(-1)!).sort());
    const index = [...read(`${PAGES}/README.md`).matchAll(/^\| \[(\w+)\]/gm)].map(([, alert = '']) => alert);
    expect(index).toEqual(rules.map((rule) => rule.alert));
  });

  test('runbooks name only metrics that the relay has', async () => {
    const known = await knownMetrics();
    const named = readdirSync(join(ROOT, PAGES)).flatMap((name) =>
      [...read(`${PAGES}/${name}`).matchAll(/`(relay_[a-z_]+)`/g)].map(([, metric = '']) => metric),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((metric) => !known.has(metric))).toEqual([]);
  });

  test('log alerts look for lines that the relay writes, and for pages that exist', () => {
    const bicep = read('infra/alerting/relay/logs.bicep');
    const lines = [...bicep.matchAll(/line\.msg\) == "([^"]+)"/g)].map(([, line = '']) => line);
    const written = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read(join('src', name)))
      .join('\n');
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.filter((line) => !written.includes(`'${line}'`))).toEqual([]);
    const pages = [...bicep.matchAll(/docs\/runbooks\/[a-z-]+\.md/g)].map(([path]) => path);
    expect(pages.length).toBe(lines.length);
    expect(pages.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

const promtool = spawnSync('promtool', ['--version']).status === 0;

describe.skipIf(!promtool)(`promtool${promtool ? '' : ' (not on PATH: apt-get install prometheus)'}`, () => {
  test.each([
    ['check', RULES],
    ['test', 'infra/alerting/relay/rules.test.yaml'],
  ])('%s rules is content with %s', (command, file) => {
    const { status, stdout, stderr } = spawnSync('promtool', [command, 'rules', file], { cwd: ROOT, encoding: 'utf8' });
    expect(stdout + stderr).toContain('SUCCESS');
    expect(status).toBe(0);
  });
});

describe('the dashboard', () => {
  interface Panel {
    id: number;
    type: string;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    targets?: { expr: string }[];
  }
  const dashboard = JSON.parse(read('infra/dashboards/health-relay.json')) as {
    panels: Panel[];
    templating: { list: { name: string }[] };
  };
  const { panels } = dashboard;

  test('shows only metrics and labels that the relay has, and uses only its own variables', async () => {
    const exprs = panels.flatMap((panel) => panel.targets?.map((target) => target.expr) ?? []);
    expect(exprs.length).toBeGreaterThan(20);
    expect(await faultsOf(exprs)).toEqual([]);
    const variables = dashboard.templating.list.map((variable) => variable.name);
    const used = exprs.flatMap((expr) => [...expr.matchAll(/\$(\w+)/g)].map(([, name = '']) => name));
    expect(used.filter((name) => !variables.includes(name))).toEqual([]);
  });

  test('no panel lies over another, and each has its own id', () => {
    expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length);
    const over = panels.flatMap((a, i) =>
      panels.slice(i + 1).filter(({ gridPos: b }) => {
        const { gridPos: g } = a;
        return g.x < b.x + b.w && b.x < g.x + g.w && g.y < b.y + b.h && b.y < g.y + g.h;
      }),
    );
    expect(over).toEqual([]);
    expect(panels.every(({ gridPos: g }) => g.x + g.w <= 24)).toBe(true);
  });
});
