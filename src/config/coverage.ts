/** What zod cannot say about `coverage`: that we must know our own addresses, and whom the summary may go to. */
import { quoted, type Report } from './fault.ts';
import { suggest } from './suggest.ts';
import type { RelayConfig } from './types.ts';

/** Reports every fault of the section. `names` are all destinations of the document, faulty ones included. */
export function checkCoverage(
  { coverage, azure, publicUrl, receivers, destinations }: RelayConfig,
  { names, report }: { names: readonly string[]; report: Report },
): void {
  if (coverage === null) return;
  if (azure === null)
    report.fault(['coverage'], 'needs azure: rules and action groups are read with its identity', {
      hint: 'add azure: {}',
      at: 'key',
    });
  if (publicUrl === null && coverage.addresses.length === 0 && receivers.eventHubs.length === 0)
    report.fault(['coverage'], 'cannot tell which action groups lead here', {
      hint: 'set publicUrl, or coverage.addresses: [https://...]',
      at: 'key',
    });
  const { summary } = coverage;
  if (summary === null) return;
  const path = ['coverage', 'summary', 'to'];
  if (!names.includes(summary.to)) {
    report.fault(path, `unknown destination ${quoted(summary.to)}`, { hint: suggest(summary.to, names) });
    return;
  }
  const found = destinations.find((one) => one.name === summary.to);
  if (found === undefined) return;
  // Pagers and ticket systems have no place for a message that belongs to no incident.
  if (found.adapter.defaults.failOpen || found.adapter.repeat === 'lookup')
    report.fault(path, `${found.type} takes no summary: it belongs to no page and no ticket`, {
      hint: 'name a mail, chat or webhook destination',
    });
  if (found.retired) report.fault(path, `the destination ${quoted(found.name)} is retired`);
}
