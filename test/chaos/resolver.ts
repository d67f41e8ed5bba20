/**
 * Preloaded into a relay (NODE_OPTIONS `--import`): names below `chaos.test` resolve as a scenario wants it, and every
 * address that is about to be dialled is written down. The relay itself runs as it is: this stands where its machine's
 * resolver stands.
 */
import dns from 'node:dns/promises';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';

/** One look-up that came before a connection, and what may be dialled after it. */
export interface Dialled {
  host: string;
  addresses: string[];
}

interface Address {
  address: string;
  family: number;
}

/** Public by every rule. Nothing leaves this machine, not even when a rule is broken: see `DEAD_END`. */
const PUBLIC = '93.184.215.14';
/** Azure's metadata service, which hands out credentials. */
const METADATA = '169.254.169.254';
/** Where a dial to either really goes: loopback, where nobody listens. */
const DEAD_END = '127.9.9.9';

const v4 = (address: string): Address => ({ address, family: 4 });
const ANSWERS: Record<string, readonly Address[][]> = {
  // The check sees a public address, the next look-up an inner one: the classic rebinding.
  'rebind.chaos.test': [[v4(PUBLIC)], [v4('127.0.0.1')]],
  'both.chaos.test': [[v4('127.0.0.1'), v4(PUBLIC)]],
  'inside.chaos.test': [[v4('127.0.0.1')]],
  'mapped.chaos.test': [[{ address: '::ffff:127.0.0.1', family: 6 }]],
  'metadata.chaos.test': [[v4(METADATA)]],
  localhost: [[v4('127.0.0.1')]],
};
const asked = new Map<string, number>();
const file = process.env['CHAOS_DIALLED'];

async function lookup(host: string): Promise<Address[]> {
  const answers = ANSWERS[host];
  if (!answers) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
  const times = asked.get(host) ?? 0;
  asked.set(host, times + 1);
  return answers[times % answers.length]!;
}

type Done = (error: Error | null, addresses: string | Address[], family?: number) => void;
type Lookup = (host: string, options: object, done: Done) => void;

/** Between the relay's own look-up and Node's dialling. */
function watched(inner: Lookup): Lookup {
  return (host, options, done) =>
    inner(host, options, (error, found, family) => {
      if (error) return done(error, found, family);
      const list = typeof found === 'string' ? [found] : found.map((one) => one.address);
      if (file !== undefined) appendFileSync(file, `${JSON.stringify({ host, addresses: list } satisfies Dialled)}\n`);
      const safe = (address: string): string => (address === PUBLIC || address === METADATA ? DEAD_END : address);
      done(
        null,
        typeof found === 'string' ? safe(found) : found.map((one) => ({ ...one, address: safe(one.address) })),
        family,
      );
    });
}

// A process that starts other Node processes passes the preload on; only the relay's main process needs it.
if (file !== undefined) {
  Object.assign(dns, { lookup });
  syncBuiltinESMExports();
  // oxlint-disable-next-line typescript/unbound-method -- called with its socket below
  const connect = Socket.prototype.connect as (this: Socket, ...given: unknown[]) => Socket;
  Socket.prototype.connect = function (this: Socket, ...given: unknown[]): Socket {
    // Node hands its own arguments over as one array.
    const options = [given[0]].flat()[0] as { lookup?: Lookup; host?: string } | undefined;
    if (typeof options === 'object' && options.lookup) options.lookup = watched(options.lookup);
    return connect.apply(this, given);
  };
}
