/** The running relay, if there is one: what it says of itself. */
import { apiClient } from '../relay-client.ts';
import type { Io } from '../command.ts';
import { plain } from '../table.ts';
import { reasonOf, type Reporter, type Subject } from './finding.ts';

interface Said {
  status?: unknown;
  parts?: unknown;
}

/** Asks `/readyz`, with the API token that there is, since details need one. */
export async function checkRelay(_subject: Subject, io: Io, report: Reporter): Promise<void> {
  const expected = (io.env['RELAY_URL']?.trim() ?? '') !== '';
  let said: Said;
  let where: string;
  try {
    const client = await apiClient(io);
    where = client.url;
    const { text } = await client.call({ path: '/readyz', expect: [503] });
    said = JSON.parse(text) as Said;
  } catch (error) {
    const advice = {
      means: 'what it would say of itself is missing here',
      do: 'start it, or set RELAY_URL and RELAY_TOKEN',
    };
    const says = reasonOf(error);
    return expected ? report.fault('reach', says, advice) : report.warn('reach', says, advice);
  }
  if (said.status === 'ok') return report.ok('reach', `the relay at ${where} is ready, all parts are well`);
  const parts = Array.isArray(said.parts) ? (said.parts as Record<string, unknown>[]) : [];
  for (const part of parts.filter((one) => one['status'] !== 'ok')) {
    const [name, status] = [String(part['name']), String(part['status'])].map(plain) as [string, string];
    const detail = typeof part['detail'] === 'string' ? `: ${plain(part['detail'])}` : '';
    const advice = {
      means: `the relay at ${where} says so of itself`,
      do: 'see docs/operate.md on probes, and its log',
    };
    if (status === 'down') report.fault(name, `${name} is down${detail}`, advice);
    else report.warn(name, `${name} is ${status}${detail}`, advice);
  }
  if (said.status === 'down' || parts.length === 0) {
    report.fault('ready', `the relay at ${where} is ${plain(String(said.status))}`, {
      means: 'it can keep no signal, neither in Postgres nor in its spool',
      do: 'mend Postgres first, then the spool',
    });
  }
}
