/** `relay init`: a first relay.yaml that works at once, and what to tell Azure. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { azureCommands } from './azure-commands.ts';
import { Failure, parseCommand, UsageError, type Command } from './command.ts';
import { firstConfig } from './first-config.ts';
import { openEnvironment } from './setup.ts';

/** As `openssl rand -hex 24`: more than anyone can guess, and free of characters that shells or URLs would change. */
const TOKEN_BYTES = 24;
const FILE = 'relay.yaml';
const RECEIVER = '/v1/receivers/azure-monitor';

export const command: Command = {
  name: 'init',
  summary: 'write a first relay.yaml and say what Azure must be told',
  usage: `[--dir folder] [--url https://relay.example.com] [--force]

Writes relay.yaml with fresh tokens, readable for you alone. It is valid as it is: npm start then records and shows
incidents and tells nobody, until you name destinations in it.

  --dir folder   where to write it (RELAY_CONFIG, else relay.yaml in the current folder)
  --url origin   where Azure will reach the relay; used in the commands that are printed
  --force        replace a relay.yaml that is there; its tokens are void then`,
  async run(args, io) {
    const { values } = parseCommand(args, {
      options: { dir: { type: 'string' }, url: { type: 'string' }, force: { type: 'boolean' } },
    });
    const origin = originOf(values.url);
    const { port, configFile } = openEnvironment(io);
    // Where the relay and every other command will look for it.
    const path = resolve(io.cwd, values.dir === undefined ? configFile : join(values.dir, FILE));
    const [receiverToken, apiToken] = [newToken(), newToken()];
    write(path, firstConfig({ receiverToken, apiToken }), values.force === true);
    io.out(report({ path: shortest(io.cwd, path), origin, port, receiverToken }));
    return 0;
  },
};

function shortest(cwd: string, path: string): string {
  const below = relative(cwd, path);
  return below.startsWith('..') ? path : below;
}

function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('hex');
}

function originOf(url: string | undefined): string | null {
  if (url === undefined) return null;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UsageError('--url must be an address such as https://relay.example.com');
  return url.replace(/\/+$/, '');
}

/** Mode 600 from the first byte on; a replaced file is whole at any moment. */
function write(path: string, text: string, force: boolean): void {
  const exists = `${path} exists already; --force replaces it, and the tokens in it`;
  if (!force && existsSync(path)) throw new Failure(exists);
  try {
    mkdirSync(resolve(path, '..'), { recursive: true });
    if (!force) return writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    const fresh = `${path}.${process.pid}.new`;
    rmSync(fresh, { force: true });
    writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' });
    renameSync(fresh, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(code === 'EEXIST' && !force ? exists : `${path} cannot be written (${code})`);
  }
}

interface Report {
  path: string;
  origin: string | null;
  port: number;
  receiverToken: string;
}

function report({ path, origin, port, receiverToken }: Report): string {
  const query = `${RECEIVER}?token=${receiverToken}`;
  const local = `http://127.0.0.1:${port === 0 ? '<port>' : port}`;
  const { all, narrow } = azureCommands(`${origin ?? 'https://<relay>'}${query}`);
  const placeholder = origin === null ? ' Put its public address in place of <relay>.' : '';
  return `wrote ${path} (only you can read it)

It has no destinations yet: incidents are recorded and shown, and nobody is told. Start it and open the page:
  npm start
  ${local}/   (sign in with the token below api.tokens)

Azure's messages go to this address. Whoever has it can send; treat it as a secret.
  ${origin ?? local}${query}

To make Azure call it, the relay must be reachable from the internet over https.${placeholder} Then, per subscription:

${all}

The rule brings every service; the routes choose. To have Azure send only Container Registry and AKS, replace the rule:

${narrow}

Hundreds of subscriptions, Event Hubs, Bicep: docs/install-azure.md.
Next: name a destination in ${path}, then
  npm run relay -- check --online
  npm run relay -- send-test <destination>
`;
}
