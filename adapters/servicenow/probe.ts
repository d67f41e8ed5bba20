/** `relay check --online`: can we read incidents, is the close code a choice, is a mandatory column left out? Only reads. */
import type { DeliverContext, Outcome } from '#src/core/adapter.ts';
import { closeCodeFault } from './close-code.ts';
import { mandatoryColumns } from './correlation.ts';
import type { ServiceNowSettings } from './settings.ts';
import { tableApi, textOf } from './table-api.ts';

const COLUMNS_MAX = 200;
/** Set by the relay, or by the instance when a record is inserted. */
const ALWAYS_SET = new Set(['short_description', 'description', 'state', 'impact', 'urgency', 'priority', 'number']);

/** Faults in words; empty when all is well. What cannot be checked is logged, as it is no fault. */
export async function probeInstance(context: DeliverContext<ServiceNowSettings>): Promise<string[]> {
  const { settings, log } = context;
  // A role that may create events may read nothing (destinations 2.1), and every call there makes one.
  if (settings.mode === 'event') {
    log.info({}, 'events are not checked: the instance has no call for it that makes none');
    return [];
  }
  const api = tableApi(context);
  const access = await api.list('incident', { query: null, fields: ['sys_id'], limit: 1 });
  if (!access.ok) return [`incidents cannot be read: ${wordsFor(access.outcome)}`];

  const faults: string[] = [];
  const closeCode = await closeCodeFault(settings, api, log);
  if (closeCode !== null) faults.push(closeCode);

  const dictionary = await api.list('sys_dictionary', {
    query: mandatoryColumns(),
    fields: ['name', 'element', 'mandatory'],
    limit: COLUMNS_MAX,
  });
  if (!dictionary.ok) {
    log.info(
      { status: dictionary.outcome.status ?? null },
      'mandatory columns not checked: sys_dictionary cannot be read',
    );
    return faults;
  }
  const mandatory = dictionary.result
    .filter((row) => textOf(row, 'mandatory') === 'true' && ['incident', 'task'].includes(textOf(row, 'name') ?? ''))
    .map((row) => textOf(row, 'element') ?? '');
  const missing = [...new Set(mandatory)].filter(
    (column) => column !== '' && !ALWAYS_SET.has(column) && !(column in settings.fields),
  );
  return [
    ...faults,
    ...missing.map((column) => `column ${column} is mandatory: set it under fields (or in every route)`),
  ];
}

function wordsFor(outcome: Outcome): string {
  const reason = outcome.outcome === 'accepted' ? 'no list' : outcome.reason;
  return `${reason}${outcome.detail === undefined ? '' : ` (${outcome.detail})`}`;
}
