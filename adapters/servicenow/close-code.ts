/**
 * The close code is the commonest reason for a resolve that fails: the list differs between releases (destinations
 * 2.3). It is read once per destination before the first resolve; an instance that does not show it is trusted.
 */
import type { AdapterLog } from '#src/core/adapter.ts';
import { choicesOf } from './correlation.ts';
import type { ServiceNowSettings } from './settings.ts';
import { textOf, type TableApi } from './table-api.ts';

const CHOICES_MAX = 200;
const NAMED_MAX = 15;

/** Settings whose close code was found valid, or whose instance does not show the list. */
const settled = new WeakSet<ServiceNowSettings>();

/** A fault that names the valid codes, or null where the code is valid or cannot be checked. Never fails otherwise. */
export async function closeCodeFault(
  settings: ServiceNowSettings,
  api: TableApi,
  log: AdapterLog,
): Promise<string | null> {
  if (settled.has(settings)) return null;
  const reply = await api.list('sys_choice', {
    query: choicesOf('close_code'),
    fields: ['name', 'element', 'value', 'label'],
    limit: CHOICES_MAX,
  });
  if (!reply.ok) {
    // A refusal stays, a hiccup passes: only the former is remembered.
    if (reply.outcome.outcome === 'permanent') settled.add(settings);
    log.info({ status: reply.outcome.status ?? null }, 'close code not checked: sys_choice cannot be read');
    return null;
  }
  const rows = reply.result.filter(
    (row) => textOf(row, 'name') === 'incident' && textOf(row, 'element') === 'close_code',
  );
  const valid = [...new Set(rows.map((row) => textOf(row, 'value') ?? ''))].filter((value) => value !== '');
  if (valid.length === 0 || valid.includes(settings.closeCode)) {
    settled.add(settings);
    return null;
  }
  const more = valid.length > NAMED_MAX ? ` and ${valid.length - NAMED_MAX} more` : '';
  return `closeCode is not a choice of this instance; valid: ${valid.slice(0, NAMED_MAX).join(', ')}${more}`;
}
