/** Below HTTP: certificates that are wrong in every way, names that do not resolve or resolve to the inside, redirects inwards. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { CERTIFICATE } from '#test/support/event-hubs/certificate.ts';
import { serviceHealth } from '#test/support/fixtures.ts';
import { WEBHOOK_SECRET } from './cast.ts';
import { AUTHORITY, ELSEWHERE, EXPIRED, GOOD, KEY } from './certificates.ts';
import { checkRecord, waitLevel } from './promises.ts';
import type { Dialled } from './resolver.ts';
import { until, type Context, type Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { openStage, OPERATE_TOKEN, READ_TOKEN, RECEIVER_TOKEN, type Stage } from './stage.ts';
import { playOutage, type Sent } from './traffic.ts';

interface TlsDoor {
  port: number;
  /** From now on with this certificate. */
  mend(): void;
}

/** A destination that cannot be reached, and how its attempts must read on the record. */
interface Bad {
  name: string;
  url: string;
  reason: RegExp;
}

/** The first incident that the bad destinations should have been told of: before any breaker opened. */
const FIRST = 'WBUSY-0000';

export const wire: Scenario = {
  name: 'wire',
  footings: 'postgres',
  async run(context) {
    const stage = await openStage(context, { footing: 'postgres', parts: { hook: '', smtp: '' } });
    const { hook } = stage.cast;
    const doors = {
      good: await tlsDoor(context, { cert: GOOD, key: KEY, to: hook.port }),
      selfsigned: await tlsDoor(context, { ...CERTIFICATE, to: hook.port }),
      expired: await tlsDoor(context, { cert: EXPIRED, key: KEY, to: hook.port }),
      elsewhere: await tlsDoor(context, { cert: ELSEWHERE, key: KEY, to: hook.port }),
    };
    const inside = await insideService(context);
    const redirect = await redirector(context, inside.port);
    const away = (host: string): string => `https://${host}:${inside.port}`;
    const bad: Bad[] = [
      { name: 'selfsigned', url: `https://localhost:${doors.selfsigned.port}`, reason: /^tls$/ },
      { name: 'expired', url: `https://localhost:${doors.expired.port}`, reason: /^tls$/ },
      { name: 'elsewhere', url: `https://localhost:${doors.elsewhere.port}`, reason: /^tls$/ },
      { name: 'plain', url: `https://localhost:${hook.port}`, reason: /^tls$/ },
      { name: 'nodns', url: away('nowhere.chaos.test'), reason: /^dns$/ },
      { name: 'rebind', url: away('rebind.chaos.test'), reason: /^(egress|connect)$/ },
      { name: 'both', url: away('both.chaos.test'), reason: /^connect$/ },
      { name: 'inside', url: away('inside.chaos.test'), reason: /^egress$/ },
      { name: 'mapped', url: away('mapped.chaos.test'), reason: /^egress$/ },
      { name: 'metadata', url: away('metadata.chaos.test'), reason: /^egress$/ },
      {
        name: 'redirect',
        url: `http://localhost:${redirect}`,
        reason: /redirect|status|unexpected|not-found|rejected/,
      },
    ];
    const good = `https://localhost:${doors.good.port}`;
    const dialled = join(stage.folder, 'dialled.jsonl');
    const authority = join(stage.folder, 'authority.pem');
    writeFileSync(authority, AUTHORITY);
    stage.configure(config(stage, { good, bad: [] }));
    const relay = await stage.relay('all', {
      NODE_OPTIONS: `--import=${new URL('resolver.ts', import.meta.url).href}`,
      NODE_EXTRA_CA_CERTS: authority,
      CHAOS_DIALLED: dialled,
    });
    await relay.start();
    const sender = stage.sender(relay);
    const sent: Sent[] = [];
    const count = context.size(100, 1_000);
    const before = await waits(stage, { sender, prefix: 'WCALM', sent, count });
    stage.configure(config(stage, { good, bad }));
    relay.signal('SIGHUP');
    await until(async () => (await sender.call('GET', '/v1/destinations')).text.includes('"metadata"'), 5_000);
    const during = await waits(stage, { sender, prefix: 'WBUSY', sent, count });
    context.figure('good destination, p99 before ms', before);
    context.figure('good destination, p99 while eleven others fail ms', during);
    context.figure('good destination, p99 during / before', during / before);
    await judgeFailures(context, stage, { sender, bad, id: FIRST });
    context.promise('nothing inside was ever connected to', inside.connections() === 0, inside.connections());
    judgeDialled(context, dialled);
    for (const door of Object.values(doors)) door.mend();
    stage.configure(config(stage, { good, bad: bad.map((one) => ({ ...one, url: good })) }));
    relay.signal('SIGHUP');
    await backAgain(context, stage, { sender, bad, ids: [...new Set(sent.map((one) => one.trackingId))].slice(count) });
    sent.push(...(await playOutage(sender, FIRST, { stages: ['Resolved'], first: 2 })));
    // The good one, the mail that stood in, and all that were bad.
    const parts = { ...stage, parts: [...bad, { name: 'good' }, { name: 'mail' }].map(() => 'hook' as const) };
    await waitLevel(context, parts, { sender, ids: [FIRST] });
    await checkRecord(context, sender, sent);
    const { duplicates } = hook;
    context.promise('each message once', duplicates.length === 0, duplicates.length);
    context.promise('nothing inside was ever connected to', inside.connections() === 0, inside.connections());
    context.add('cycles', bad.length);
    await relay.stop();
  },
};

function config(stage: Stage, { good, bad }: { good: string; bad: readonly Bad[] }): string {
  const { smtp } = stage.cast;
  const line = ({ name, url }: { name: string; url: string }, more: string): string =>
    `  ${name}: { type: webhook, url: "${url}/${name}", secret: "${WEBHOOK_SECRET}", retry: { schedule: [300ms, 1s] }${more} }`;
  const names = [...bad.map((one) => one.name), 'good'];
  return `receivers: { tokens: [{ source: chaos, token: ${RECEIVER_TOKEN} }] }
api: { tokens: [{ role: operate, name: ops, token: ${OPERATE_TOKEN} }, { role: read, name: eyes, token: ${READ_TOKEN} }] }
egress: { allow: [localhost] }
destinations:
  mail: { type: email, smtpUrl: "${smtp.smtpUrl.replace('127.0.0.1', 'localhost')}", from: relay@contoso.example, to: [sre@contoso.example] }
${bad.map((one) => line(one, ', fallback: { to: mail, after: 2s }')).join('\n')}
${line({ name: 'good', url: good }, '')}
routes: [{ match: {}, to: [${names.join(', ')}] }]
`;
}

/** All is mended and somebody says so by hand, which ends the breakers' pauses: whatever waited is told. */
async function backAgain(
  context: Context,
  stage: Stage,
  { sender, bad, ids }: { sender: Sender; bad: readonly Bad[]; ids: readonly string[] },
): Promise<void> {
  const startedMs = performance.now();
  for (const delivery of await sender.deliveries(FIRST))
    if (bad.some((one) => one.name === delivery.destination))
      await sender.call('POST', `/v1/deliveries/${delivery.id}/retry`);
  const late = new Set(ids);
  await until(
    async () => {
      for (const id of late) {
        // What a redirect refused has failed for good, and was told by mail instead.
        const open = (await sender.deliveries(id)).filter(
          (one) => one.state !== 'delivered' && (one.destination !== 'redirect' || one.state !== 'failed'),
        );
        if (open.length === 0) late.delete(id);
      }
      return late.size === 0;
    },
    90_000,
    200,
  );
  context.figure('all level after the mend ms', performance.now() - startedMs);
  context.add('lost', late.size);
  context.promise('what waited is told when the destination is mended', late.size === 0, [...late].slice(0, 3));
  const mails = stage.cast.smtp.mails.filter(({ mail }) => (mail.subject ?? '').includes(FIRST)).length;
  context.promise('the fallback is told once, for all that failed', mails === 1, mails);
}

/** Every failing destination says why, none got a word, somebody else was told instead. */
async function judgeFailures(
  context: Context,
  stage: Stage,
  { sender, bad, id }: { sender: Sender; bad: readonly Bad[]; id: string },
): Promise<void> {
  const { hook, smtp } = stage.cast;
  for (const { name, reason } of bad) {
    let seen: unknown = null;
    const told = await until(async () => {
      const delivery = (await sender.deliveries(id)).find((one) => one.destination === name);
      const reasons = delivery?.attempts.flatMap((attempt) => attempt.reason ?? []) ?? [];
      seen = reasons;
      return reasons.length > 0 && reasons.every((one) => reason.test(one));
    }, 10_000);
    context.promise(`${name}: the record says why`, told, { name, seen });
    const through = hook.requests.filter((request) => request.path.startsWith(`/${name}`)).length;
    context.promise('nothing goes to a vendor that is not who it should be', through === 0, { name, through });
  }
  const instead = await until(() => smtp.mails.some(({ mail }) => (mail.subject ?? '').includes(id)), 15_000);
  context.promise('the fallback is told', instead);
}

function judgeDialled(context: Context, file: string): void {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').filter(Boolean) : [];
  const dialled = lines.map((line) => JSON.parse(line) as Dialled);
  const odd = dialled.filter(
    ({ host, addresses }) => host !== 'localhost' && addresses.some((one) => !one.startsWith('93.')),
  );
  context.figure('connections by name', dialled.length);
  context.promise('an inner address is never dialled, whatever the name says', odd.length === 0, odd.slice(0, 3));
  context.promise(
    'the names were really dialled',
    ['rebind.chaos.test', 'both.chaos.test'].every((host) => dialled.some((one) => one.host === host)),
    [...new Set(dialled.map((one) => one.host))],
  );
}

/** Ninety-nine of a hundred posts are at the good destination within this, milliseconds. */
async function waits(
  stage: Stage,
  { sender, prefix, sent, count }: { sender: Sender; prefix: string; sent: Sent[]; count: number },
): Promise<number> {
  const found: number[] = [];
  for (let n = 0; n < count; n++) {
    const id = `${prefix}-${String(n).padStart(4, '0')}`;
    const started = performance.now();
    const answer = await sender.deliver(serviceHealth({ trackingId: id, communication: 1, stage: 'Active' }));
    await until(
      () => stage.cast.hook.events.some((event) => event.body.data.incident.headline.includes(id)),
      10_000,
      1,
    );
    found.push(performance.now() - started);
    sent.push({ trackingId: id, communication: 1, subscription: '11111111-aaaa-4aaa-8aaa-000000000001', answer });
  }
  return found.toSorted((a, b) => a - b)[Math.floor(found.length * 0.99)]!;
}

/** TLS in front of a plain server; mended it shows a good certificate. */
async function tlsDoor(
  context: Context,
  { cert, key, to }: { cert: string; key: string; to: number },
): Promise<TlsDoor> {
  const server = createTlsServer({ cert, key }, (socket) => {
    const upstream = connect(to, '127.0.0.1');
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.onEnd(async () => void server.close());
  return {
    port: (server.address() as AddressInfo).port,
    mend: () => server.setSecureContext({ cert: GOOD, key: KEY }),
  };
}

/** Something that only this machine may reach. */
async function insideService(context: Context): Promise<{ port: number; connections(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined).end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.onEnd(async () => void server.close());
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

/** A vendor that sends its callers on to the inside. */
async function redirector(context: Context, to: number): Promise<number> {
  const head = `HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:${to}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(head));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.onEnd(async () => void server.close());
  return (server.address() as AddressInfo).port;
}
