/** The command line as a process of its own, against a running relay, real databases and strict vendors. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serviceHealth } from '#test/support/fixtures.ts';
import { API_TOKEN, CONFIG_HEAD, openStores, READ_TOKEN, startRelay, TOKEN } from '#test/support/relay.ts';
import type { Stores, TestRelay } from '#test/support/relay.ts';
import { PagerDutyServer } from '#test/support/vendors/pagerduty.ts';
import { SERVICENOW_CREDENTIALS, ServiceNowServer } from '#test/support/vendors/servicenow.ts';
import { SmtpStandIn } from '#test/support/vendors/smtp.ts';
import { WebhookServer } from '#test/support/vendors/webhook.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');
const KEY = '0123456789abcdef0123456789abcdef';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** Only what is given stands in the environment, so that the machine's own variables decide nothing. */
function run(program: string, args: string[], options: { env?: Record<string, string>; stdin?: string } = {}) {
  const child = spawn(program, args, { cwd: folder, env: { PATH: process.env['PATH'], ...options.env } });
  child.stdin.end(options.stdin ?? '');
  const ran = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ran.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ran.err += text));
  const ended = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ code, ...ran })));
  return { child, ran, ended };
}

function relayCommand(args: string[], options: Parameters<typeof run>[2] = {}): Promise<Ran> {
  return run(NODE, [join(ROOT, 'src/cli/main.ts'), ...args], options).ended;
}

let folder: string;
let stores: Stores;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relay-cli-'));
  stores = await openStores('postgres');
});
afterAll(async () => {
  await stores.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('init', () => {
  test('writes a file for its owner alone that the relay starts with, and takes messages at the printed address', async () => {
    const { code, out } = await relayCommand(['init', '--dir', 'fresh']);
    expect(code).toBe(0);
    const file = join(folder, 'fresh/relay.yaml');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [, apiToken = ''] = /role: operate, name: operator, token: (\w+)/.exec(readFileSync(file, 'utf8')) ?? [];
    expect(apiToken).toHaveLength(48);
    expect(out).not.toContain(apiToken);
    const [, query = ''] = /(\/v1\/receivers\/azure-monitor\?token=\w+)/.exec(out) ?? [];
    const env = { ...(await stores.environment()), RELAY_CONFIG: file, PORT: '0' };
    const started = run(NODE, [join(ROOT, 'src/main.ts')], { env });
    try {
      await expect.poll(() => started.ran.out + started.ran.err, { timeout: 40_000 }).toContain('relay.started');
      const [, port = ''] = /"port":(\d+)/.exec(started.ran.out) ?? [];
      const response = await fetch(`http://127.0.0.1:${port}${query}`, {
        method: 'POST',
        body: JSON.stringify(serviceHealth({ trackingId: 'INIT-001', communication: 1, stage: 'Active' })),
      });
      expect(response.status).toBe(202);
      const listed = await relayCommand(['incidents'], { env: { RELAY_CONFIG: file, PORT: port } });
      expect(listed.out).toContain('INIT-001');
    } finally {
      started.child.kill('SIGTERM');
    }
    expect((await started.ended).code).toBe(0);
  });

  test('writes the file that RELAY_CONFIG names, which is the one that the relay and check read', async () => {
    const env = { RELAY_CONFIG: join(folder, 'named/other.yaml') };
    expect((await relayCommand(['init'], { env })).out).toContain('wrote named/other.yaml');
    expect(await relayCommand(['check'], { env })).toMatchObject({ code: 0 });
    expect((await relayCommand(['init'], { env })).code).toBe(1);
  });

  test('never replaces a file unless told, and then with new tokens and the same mode', async () => {
    await relayCommand(['init', '--dir', 'twice']);
    const file = join(folder, 'twice/relay.yaml');
    const before = readFileSync(file, 'utf8');
    chmodSync(file, 0o644);
    const refused = await relayCommand(['init', '--dir', 'twice']);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('--force');
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect((await relayCommand(['init', '--dir', 'twice', '--force'])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toBe(before);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('the commands for Azure survive a shell word for word', async () => {
    const { out } = await relayCommand(['init', '--dir', 'azure', '--url', 'https://relay.example.com/']);
    const start = out.indexOf('subscription=$(az');
    const lines = out.slice(start, out.indexOf('Hundreds of subscriptions')).split('\n');
    const script = lines.filter((line) => !line.startsWith('The rule brings')).join('\n');
    // A stand-in for the Azure CLI that shows its arguments, one call a line.
    const az = `az() { if [ "$1 $2" = "account show" ]; then echo sub-1; return; fi; ${NODE} -p 'JSON.stringify(process.argv.slice(1))' -- "$@"; }`;
    const shell = await run('bash', ['--norc', '--noprofile', '-eu', '-c', `${az}\n${script}`]).ended;
    expect(shell.err).toBe('');
    const calls = shell.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as string[]);
    const value = (call: string[], option: string): string => call[call.indexOf(option) + 1] ?? '';
    const [group = [], actionGroup = [], rule = [], rest = []] = calls;
    expect(group.slice(0, 2)).toEqual(['group', 'create']);
    expect(actionGroup.slice(0, 3)).toEqual(['monitor', 'action-group', 'create']);
    expect(value(actionGroup, '--location')).toBe('Global');
    const webhook = actionGroup.slice(actionGroup.indexOf('--action') + 1);
    expect(webhook).toEqual([
      'webhook',
      'health-relay',
      expect.stringMatching(/^https:\/\/relay\.example\.com\/v1\/receivers\/azure-monitor\?token=[0-9a-f]{48}$/),
      'usecommonalertschema',
    ]);
    expect(rule.slice(0, 4)).toEqual(['monitor', 'activity-log', 'alert', 'create']);
    expect(value(rule, '--scope')).toBe('/subscriptions/sub-1');
    expect(value(rule, '--condition')).toBe('category=ServiceHealth');
    const body = JSON.parse(value(rest, '--body'));
    expect(body.properties.condition.allOf[1].containsAny).toEqual([
      'Container Registry',
      'Azure Kubernetes Service (AKS)',
    ]);
    expect(body.properties.scopes).toEqual(['/subscriptions/sub-1']);
    expect(body.properties.actions.actionGroups[0].actionGroupId).toBe(value(rule, '--action-group'));
  });
});

describe('beside a running relay', () => {
  let relay: TestRelay;
  let pager: PagerDutyServer;
  let hook: WebhookServer;
  let mail: SmtpStandIn;
  let env: Record<string, string>;

  beforeAll(async () => {
    pager = await new PagerDutyServer().start();
    hook = await new WebhookServer(SECRET).start();
    mail = await new SmtpStandIn().start();
    const config = `destinations:
  oncall: { type: pagerduty, routingKey: ${KEY}, eventsUrl: "${pager.url}" }
  hook: { type: webhook, url: "${hook.url}/hook", secret: "${SECRET}", retry: { schedule: [1h] } }
  mail: { type: email, smtpUrl: "${mail.smtpUrl}", from: relay@contoso.example, to: [sre@contoso.example] }
routes:
  - match: {}
    to: [hook]
`;
    relay = await startRelay(stores, config);
    const file = join(folder, 'running.yaml');
    writeFileSync(file, CONFIG_HEAD + config);
    env = { RELAY_CONFIG: file, RELAY_URL: relay.url };
    for (const [name, body] of Object.entries({
      'active.json': serviceHealth({ trackingId: 'CLIR-001', communication: 1, stage: 'Active' }),
      'resolved.json': serviceHealth({ trackingId: 'CLIR-001', communication: 2, stage: 'Resolved' }),
    }))
      writeFileSync(join(folder, name), JSON.stringify(body));
  });
  afterAll(async () => {
    await relay.stop();
    await pager.stop();
    await hook.stop();
    await mail.stop();
  });

  test('replay posts files in order with the receiver token of the config and shows what became of them', async () => {
    const first = await relayCommand(['replay', 'active.json', 'resolved.json', 'active.json'], { env });
    expect(first.err).toBe('');
    expect(first.code).toBe(0);
    expect(
      first.out
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(/ {2,}/)[2]),
    ).toEqual(['opened', 'resolved', 'duplicate']);
    const piped = await relayCommand(['replay', '-', '--json', '--token', TOKEN], {
      env,
      stdin: readFileSync(join(folder, 'active.json'), 'utf8'),
    });
    expect(JSON.parse(piped.out).payloads[0]).toMatchObject({ status: 202, signals: [{ outcome: 'duplicate' }] });
    // Until it is told, the timeline still grows.
    await relay.level('CLIR-001', 1);
  });

  test('replay fails for what is not taken, and takes the rest', async () => {
    writeFileSync(join(folder, 'nope.json'), '{nope');
    const { code, out } = await relayCommand(['replay', 'nope.json', 'missing.json', 'active.json'], { env });
    expect(code).toBe(1);
    expect(out).toMatch(/nope\.json +400 +the body is not JSON/);
    expect(out).toMatch(/missing\.json +not sent +missing\.json cannot be read \(ENOENT\)/);
    expect(out).toMatch(/active\.json +202 +duplicate +inc_/);
    const refused = await relayCommand(['replay', 'active.json', '--token', 'wrong-token-000000001'], { env });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('wants another token');
    expect(refused.err).not.toContain('wrong-token');
  });

  test('incidents are listed and filtered with the operate token of the config', async () => {
    const { code, out } = await relayCommand(['incidents', '--state', 'resolved', '--kind', 'outage'], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/CLIR-001 +resolved +warning +1 .*\[Outage\] Container Registry/);
    expect((await relayCommand(['incidents', '--state', 'active'], { env })).out).toBe('no incidents\n');
    const json = await relayCommand(['incidents', '--q', 'CLIR-001', '--json'], { env });
    expect(JSON.parse(json.out).incidents).toHaveLength(1);
  });

  test('a timeline is a table for people and a document for the review', async () => {
    const { out } = await relayCommand(['timeline', 'clir-001'], { env });
    expect(out).toMatch(/1 +communication +Active: /);
    const markdown = await relayCommand(['timeline', 'CLIR-001', '--format', 'markdown'], { env });
    expect(markdown.out).toBe(
      `${(await relay.get('/v1/incidents/CLIR-001/timeline?format=markdown')).text.trimEnd()}\n`,
    );
    const json = await relayCommand(['timeline', 'CLIR-001', '--json'], { env });
    expect(JSON.parse(json.out).timeline[0].kind).toBe('communication');
    const unknown = await relayCommand(['timeline', 'NONE-000'], { env });
    expect(unknown.code).toBe(1);
    expect(unknown.err).toMatch(/^the relay answered 404: .*no-such-incident, /);
  });

  test('retry sends at once what would wait for an hour, and says so when there is nothing to retry', async () => {
    hook.failNext({ kind: 'answer', answer: { status: 500, body: 'no' } });
    await relay.post(serviceHealth({ trackingId: 'CLIR-002', communication: 1, stage: 'Active' }));
    const state = async () => (await relay.get('/v1/incidents/CLIR-002/deliveries')).json.deliveries[0];
    await expect.poll(async () => (await state()).state).toBe('retrying');
    const { id } = await state();
    expect(await relayCommand(['retry', id], { env })).toMatchObject({ code: 0, out: `${id} is tried again\n` });
    await relay.level('CLIR-002', 1);
    const again = await relayCommand(['retry', id], { env });
    expect(again.code).toBe(1);
    expect(again.err).toContain('nothing to retry');
    expect(await relayCommand(['retry', id, '--json'], { env })).toMatchObject({
      code: 1,
      out: '{"retrying":false}\n',
    });
    expect((await relayCommand(['retry', 'dlv_none'], { env })).err).toContain('no-such-delivery');
    const reader = await relayCommand(['retry', id], { env: { ...env, RELAY_TOKEN: READ_TOKEN } });
    expect(reader.code).toBe(1);
    expect(reader.err).toContain('403');
  });

  test('a relay that is not there is one clear line', async () => {
    const gone = await new WebhookServer(SECRET).start();
    const { url } = gone;
    await gone.stop();
    const { code, err } = await relayCommand(['incidents'], { env: { ...env, RELAY_URL: url } });
    expect(code).toBe(1);
    expect(err).toBe(`no relay answers at ${url} (ECONNREFUSED); start one, or set RELAY_URL\n`);
  });

  test('send-test opens and closes a marked test, shows the receipt, and says what it does not prove', async () => {
    const paged = await relayCommand(['send-test', 'oncall'], { env });
    expect(paged.code).toBe(0);
    expect(paged.out).toMatch(/outcome +accepted/);
    expect(paged.out).toContain('nobody is on call');
    expect(pager.alerts().every((alert) => alert.status === 'resolved')).toBe(true);
    expect(pager.alerts().length).toBeGreaterThan(0);
    const mailed = await relayCommand(['send-test', 'mail'], { env });
    expect(mailed.out).toMatch(/receipt acceptedRecipients +1/);
    expect(mail.mails.map(({ mail: { subject } }) => subject).every((subject) => subject?.includes('TEST'))).toBe(true);
    for (const secret of [KEY, mail.password, API_TOKEN]) expect(paged.out + mailed.out).not.toContain(secret);
  });

  test('send-test fails with the reason of the vendor, and suggests a name for an unknown destination', async () => {
    pager.failNext({ kind: 'answer', answer: { status: 400, body: { status: 'invalid event', errors: [KEY] } } });
    const { code, out } = await relayCommand(['send-test', 'oncall'], { env });
    expect(code).toBe(1);
    expect(out).toMatch(/outcome +permanent/);
    expect(out).not.toContain(KEY);
    const unknown = await relayCommand(['send-test', 'onclal'], { env });
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain('did you mean "oncall"?');
  });
});

describe('check --online', () => {
  test('asks a vendor that can be asked, without making a record, and finds a name that leads inside', async () => {
    const server = await new ServiceNowServer().start();
    const { username, password } = SERVICENOW_CREDENTIALS;
    const config = (secret: string, hook: string): Record<string, string> => {
      const file = join(folder, 'online.yaml');
      writeFileSync(
        file,
        `egress: { allow: [127.0.0.1] }
destinations:
  itsm: { type: servicenow, mode: incident, instanceUrl: "${server.url}", auth: { type: basic, username: ${username}, password: "${secret}" } }
  hook: { type: webhook, url: "${hook}", secret: "${SECRET}" }
default: [hook]
`,
      );
      return { RELAY_CONFIG: file };
    };
    try {
      const good = await relayCommand(['check', '--online'], { env: config(password, 'https://127.0.0.1/hook') });
      expect(good.out).toMatch(/itsm +servicenow +ok +reachable/);
      expect(good.code).toBe(0);
      expect(server.incidents()).toEqual([]);
      const bad = await relayCommand(['check', '--online'], {
        env: config('wrong-password', 'https://nowhere.invalid/'),
      });
      expect(bad.code).toBe(1);
      expect(bad.out).toMatch(/itsm +servicenow +FAULT +incidents cannot be read/);
      expect(bad.out).toMatch(/hook +webhook +FAULT .*nowhere\.invalid/);
      expect(bad.out).not.toContain('wrong-password');
    } finally {
      await server.stop();
    }
  });
});

describe('migrate', () => {
  test('brings an empty database to the schema, and then has nothing to do', async () => {
    const { DATABASE_URL = '' } = await stores.environment();
    const first = await relayCommand(['migrate', '--json'], { env: { DATABASE_URL } });
    expect(first.err).toBe('');
    expect(JSON.parse(first.out).applied).toContain(1);
    expect((await relayCommand(['migrate'], { env: { DATABASE_URL } })).out).toBe(
      'nothing to apply: the schema is current\n',
    );
  });

  test('a database that refuses is one line without the password', async () => {
    const { DATABASE_URL = '' } = await stores.environment();
    const url = new URL(DATABASE_URL);
    url.password = 'wrong-db-password';
    url.pathname = '/no_such_database';
    const { code, err } = await relayCommand(['migrate'], { env: { DATABASE_URL: url.href } });
    expect(code).toBe(1);
    expect(err).toMatch(/^not migrated: .+\n$/);
    expect(err).not.toContain('wrong-db-password');
  });
});
