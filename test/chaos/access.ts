/** Who gets in: every route with every kind of token, tricks with paths and headers, and a search for secrets in all that is shown. */
import { serviceHealth } from '#test/support/fixtures.ts';
import { castSecrets } from './cast.ts';
import { waitLevel } from './promises.ts';
import type { Context, Scenario } from './scenario.ts';
import type { Sender } from './sender.ts';
import { OPERATE_TOKEN, openStage, READ_TOKEN, RECEIVER_TOKEN, type Stage } from './stage.ts';

const ID = 'SECR-T01';
type Method = Parameters<Sender['call']>[0];

/** Change nothing, and are too long for a query. */
const READS_BY_POST = new Set(['/mcp', '/v1/peer']);
/** Open to all by design: probes, the log-in, what a page is drawn with. */
const OPEN = new Set(['/livez', '/readyz', '/login', '/logout', '/openapi.json', '/docs']);

export const access: Scenario = {
  name: 'access',
  footings: 'embedded',
  async run(context) {
    const stage = await openStage(context, {
      footing: 'embedded',
      rest: 'routes: [{ match: {}, to: [oncall, jsm, itsm, channel, mail, hook] }]\ncallbacks: { pagerduty: { secrets: [chaos-callback-secret-99] }, servicenow: { token: chaos-servicenow-callback-31 } }',
    });
    const relay = await stage.relay('all');
    await relay.start();
    const sender = stage.sender(relay);
    await fillRecord(context, stage, sender);
    const paths = Object.entries(
      (await sender.get<{ paths: Record<string, Record<string, unknown>> }>('/openapi.json')).paths,
    );
    const { id } = await sender.incident(ID);
    const routes = paths.flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({
        method: method.toUpperCase() as Method,
        path: path.replaceAll(/\{[^}]*\}/g, id),
      })),
    );
    for (const route of routes) await matrix(context, sender, route);
    context.figure('routes', routes.length);
    await tricks(context, sender, id);
    await searchSecrets(context, stage, {
      sender,
      id,
      paths: routes.filter((route) => route.method === 'GET').map((route) => route.path),
    });
    await relay.stop();
  },
};

/** An incident with every kind of trouble behind it: what fails is what tends to be quoted. */
async function fillRecord(context: Context, stage: Stage, sender: Sender): Promise<void> {
  const { pager, genie, snow, teams, hook } = stage.cast;
  // Each vendor quotes the credentials that it was shown.
  const quote = (secret: string) => ({ kind: 'answer', answer: { status: 500, body: `you sent ${secret}` } }) as const;
  const [key = '', genieKey = '', password = '', sig = '', , hookSecret = ''] = castSecrets(stage.cast);
  pager.failNext(quote(key));
  genie.failNext(quote(genieKey));
  snow.failNext(quote(password));
  teams.failNext(quote(sig));
  hook.failNext(quote(hookSecret));
  await sender.deliver(serviceHealth({ trackingId: ID, communication: 1, stage: 'Active' }));
  await waitLevel(context, stage, { sender, ids: [ID] });
  await sender.post('{nope');
  await sender.call('POST', `/v1/receivers/azure-monitor?token=${OPERATE_TOKEN}`, { token: null, body: '{}' });
  await sender.call('GET', `/v1/incidents?token=${READ_TOKEN}&q=${RECEIVER_TOKEN}`);
}

async function matrix(
  context: Context,
  sender: Sender,
  { method, path }: { method: Method; path: string },
): Promise<void> {
  const route = `${method} ${path}`;
  const ask = async (token: string | null): Promise<number> =>
    (await sender.call(method, path, { token, body: method === 'POST' ? '{}' : undefined, headOnly: true })).status;
  const none = await ask(null);
  const garbage = await ask('not-a-token-at-all-0000');
  context.add('cycles', 5);
  if (OPEN.has(path)) return;
  context.promise('without a token no route answers', none === 401 || none === 302 || none === 404, { route, none });
  context.promise('a wrong token is no token', garbage === 401 || garbage === 302 || garbage === 404, {
    route,
    garbage,
  });
  const receiver = await ask(RECEIVER_TOKEN);
  const operate = await ask(OPERATE_TOKEN);
  const read = await ask(READ_TOKEN);
  if (path.startsWith('/v1/receivers/')) {
    context.promise('receivers take no API token', read === 401 && operate === 401, { route, read, operate });
    context.promise('receivers take their token', receiver < 500 && receiver !== 401 && receiver !== 403, {
      route,
      receiver,
    });
    return;
  }
  context.promise('the API takes no receiver token', receiver === 401, { route, receiver });
  if (path.startsWith('/v1/callbacks/'))
    return context.promise('callbacks take no API token', operate === 401, { route, operate });
  const reads = method === 'GET' || READS_BY_POST.has(path);
  // 406: MCP asks for its own media types. 409: this config has no section for it.
  if (reads) context.promise('who may read may read', read < 400 || [404, 406, 409].includes(read), { route, read });
  else context.promise('who may read may not write', read === 403, { route, read });
  context.promise('who may operate is let in', operate !== 401 && operate !== 403 && operate < 500, { route, operate });
}

/** Other ways to write the same path, and headers that claim to be somebody. */
async function tricks(context: Context, sender: Sender, id: string): Promise<void> {
  const paths = [
    '//v1/incidents',
    '/v1//incidents',
    '/V1/incidents',
    '/v1/incidents/',
    '/v1/./incidents',
    '/livez/../v1/incidents',
    '/livez/..%2fv1/incidents',
    '/%76%31/incidents',
    '/v1/%69ncidents',
    '/v1/incidents;x=1',
    '/v1/incidents%00',
    '/v1/incidents%2f',
    `/v1/incidents/${id}%2ftimeline`,
    '/v1/receivers/../incidents',
    '/v1/receivers/azure-monitor/../../incidents',
    `/v1/incidents?token=${OPERATE_TOKEN}`,
    `/v1/incidents?access_token=${OPERATE_TOKEN}`,
    `/v1/incidents/${id}/timeline?format=html`,
    '/style.css/../incidents',
    `/incidents/${id}`,
    `/incidents/${ID}`,
    '/',
    '/destinations',
    '/sources',
    '/.env',
    '/relay.yaml',
    '/..%2f..%2frelay.yaml',
    '/v1/incidents?limit[$gt]=1',
    '/metrics',
    '/metrics/',
    '/Metrics',
  ];
  const headers: Record<string, string>[] = [
    {},
    { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' },
    { 'x-http-method-override': 'GET', 'x-original-url': '/v1/incidents', 'x-rewrite-url': '/v1/incidents' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer  ' },
    { authorization: 'Basic b3BzOm9wcw==' },
    { cookie: 'relay_session=eyJuYW1lIjoib3BzIiwidW50aWwiOjk5OTk5OTk5OTk5OTl9.AAAA' },
    { cookie: 'relay_session=.' },
  ];
  for (const path of paths) {
    for (const more of headers) {
      for (const method of ['GET', 'HEAD'] as const) {
        const answer = await sender.call(method, path, { token: null, headers: more });
        context.promise(
          'no trick shows anything',
          !answer.text.includes(ID) && !answer.text.includes(id) && !/relay_signals_total/.test(answer.text),
          { method, path, more, status: answer.status, text: answer.text.slice(0, 200) },
        );
        context.promise('no trick breaks anything', answer.status < 500, { method, path, more, status: answer.status });
        context.add('cycles', 1);
      }
    }
  }
}

async function searchSecrets(
  context: Context,
  stage: Stage,
  { sender, id, paths }: { sender: Sender; id: string; paths: string[] },
): Promise<void> {
  const secrets = [...stage.secrets, 'chaos-callback-secret-99', 'chaos-servicenow-callback-31'];
  const pages = [
    '/',
    `/incidents/${id}`,
    '/destinations',
    '/sources',
    '/login',
    '/metrics',
    '/readyz',
    '/openapi.json',
    ...['markdown', 'csv', 'html'].map((format) => `/v1/incidents/${id}/timeline?format=${format}`),
  ];
  for (const path of new Set([...paths, ...pages].filter((path) => path !== '/v1/stream'))) {
    const { text } = await sender.call('GET', path);
    const found = secrets.filter((secret) => text.includes(secret));
    context.promise('no answer, page or metric holds a configured secret', found.length === 0, { path, found });
    context.add('cycles', 1);
  }
}
