/**
 * What each step does to the record (destinations 0.1): open creates or reopens, update and note write work notes,
 * resolve and retract set it to resolved. A record that people closed or canceled is never written again.
 */
import type { Accepted, DeliverContext, Outcome, Step } from '#src/core/adapter.ts';
import { closeCodeFault } from './close-code.ts';
import { correlationKey, type CorrelationKey } from './correlation.ts';
import { locate, recordOf, type IncidentRecord, type Located } from './records.ts';
import { referenceLine, renderCreate, renderNote, renderReopen, renderResolve, renderSeverity } from './render.ts';
import { accepted, keep, type ReceiptNotes } from './receipt.ts';
import type { ServiceNowSettings } from './settings.ts';
import { tableApi, textOf, type TableApi } from './table-api.ts';

interface Job {
  step: Step;
  context: DeliverContext<ServiceNowSettings> & { key: CorrelationKey };
  api: TableApi;
  located: Located;
  /** A create of this very record may have happened already. */
  pending: boolean;
}

/** Brings one record up to the step. Every outcome carries what is needed to find the record again. */
export async function deliverIncident(step: Step, context: DeliverContext<ServiceNowSettings>): Promise<Outcome> {
  const key = correlationKey(context.vendorKey);
  if (key === null) return { outcome: 'permanent', reason: 'unexpected', detail: 'no usable key to find a record by' };
  const api = tableApi(context);
  const pending = context.settling || context.memo['createPending'] === true;
  const located = await locate(context, { key, api, opening: step.action === 'open', twice: pending });
  if (!located.ok) return located.outcome;
  const job: Job = { step, context: { ...context, key }, api, located, pending };
  switch (step.action) {
    case 'open':
      return open(job);
    case 'update':
      return update(job);
    case 'note':
      return note(job);
    case 'resolve':
    case 'retract':
    default:
      return resolve(job);
  }
}

async function open(job: Job): Promise<Outcome> {
  const { record, duplicates } = job.located;
  const { step, context, pending } = job;
  if (step.test) return openTest(job);
  if (record === null || record.phase === 'closed') return create(job);
  if (record.phase === 'resolved') {
    if (context.settings.reopen === 'new') return create(job);
    return patch(job, record, { values: renderReopen(step, context), notes: { reopened: true, duplicates } });
  }
  return pending ? already(job, record) : writeNote(job, record, {});
}

/** A test must not stay in somebody's queue: created and resolved, like what is first seen when it is over. */
async function openTest(job: Job): Promise<Outcome> {
  const { record } = job.located;
  if (record === null || record.phase === 'open') return resolve(job);
  // Over already: by this very test, or by an earlier one.
  return job.pending
    ? already(job, record)
    : resolve({ ...job, located: { ...job.located, record: null, gone: false } });
}

async function update(job: Job): Promise<Outcome> {
  const { record, gone } = job.located;
  // An opening whose outcome was unknown never happened, or the record is gone: people get a record, but only once.
  if (record === null) return gone && job.context.memo['recreated'] === true ? lost() : create(job);
  if (record.phase === 'closed') return closed(job, record);
  return writeNote(job, record, record.phase === 'open' ? renderSeverity(job.step, job.context) : {});
}

async function note(job: Job): Promise<Outcome> {
  const { record, gone } = job.located;
  if (record !== null) return record.phase === 'closed' ? closed(job, record) : writeNote(job, record, {});
  if (gone) return lost();
  const { state } = job.step.incident;
  if (state === 'resolved' || state === 'closed') return resolve(job);
  return accepted(job.context, null, { level: 'accepted', note: 'no record under this key: not written' });
}

async function resolve(job: Job): Promise<Outcome> {
  const { record, gone } = job.located;
  const { context, api } = job;
  if (record === null && gone && !job.step.test) return lost();
  if (record?.phase === 'closed') return closed(job, record);
  if (record?.phase === 'resolved') return job.pending ? already(job, record) : writeNote(job, record, {});
  const fault = await closeCodeFault(context.settings, api, context.log);
  if (fault !== null) return { outcome: 'permanent', reason: 'invalid-request', detail: fault.slice(0, 500) };
  if (record !== null) return patchResolved(job, record, { duplicates: job.located.duplicates });
  const created = await create(job);
  if (created.outcome !== 'accepted') return created;
  // From here on a failure keeps the sys_id, so that the next try only resolves.
  const memo = created.memo ?? context.memo;
  const born = recordOf({ sys_id: memo['sysId'], number: memo['number'], state: null }, context.settings);
  if (born === null) return { ...created, outcome: 'unknown', reason: 'wrong-body' };
  return patchResolved({ ...job, context: { ...job.context, memo } }, born, { created: true });
}

async function create(job: Job): Promise<Outcome> {
  const { step, context, api, located } = job;
  const { values, ignored } = renderCreate(step, context);
  const reply = await api.create('incident', values);
  if (!reply.ok) {
    const { outcome } = reply;
    // A 5xx may stand for a create that the instance still finishes: look twice before the next one.
    const maybe = outcome.outcome === 'unknown' || (outcome.status ?? 0) >= 500;
    return maybe ? { ...outcome, memo: { ...context.memo, createPending: true } } : outcome;
  }
  const record = recordOf(reply.result, context.settings);
  if (record === null) {
    const memo = { ...context.memo, createPending: true };
    return { outcome: 'unknown', reason: 'wrong-body', status: reply.status, detail: 'created, but no sys_id', memo };
  }
  const notTaken = Object.keys(values).filter((name) => textOf(reply.result, name) === null);
  return accepted(context, record, {
    level: 'confirmed',
    status: reply.status,
    created: true,
    severity: step.incident.severity,
    recreated: located.gone,
    ignoredFields: ignored,
    notTaken,
    ...(located.gone ? { note: 'the earlier record is deleted or hidden: a new one was created' } : {}),
  });
}

/** Writes a work note, unless a repeat finds it in the journal. */
async function writeNote(job: Job, record: IncidentRecord, extra: Record<string, string>): Promise<Outcome> {
  const { step, context, api, located } = job;
  if (context.settling) {
    const reply = await api.read('incident', record.sysId, { fields: ['work_notes'], display: true });
    const written = reply.ok && (textOf(reply.result, 'work_notes') ?? '').includes(referenceLine(context.stepKey));
    if (written) return already(job, record);
  }
  const told = record.phase === 'resolved' ? { note: 'record is resolved: note written, state left as it is' } : {};
  const values = { ...extra, ...renderNote(step, context) };
  return patch(job, record, { values, notes: { ...told, duplicates: located.duplicates } });
}

async function patchResolved(job: Job, record: IncidentRecord, notes: ReceiptNotes): Promise<Outcome> {
  const outcome = await patch(job, record, { values: renderResolve(job.step, job.context), notes });
  const state = outcome.outcome === 'accepted' ? outcome.receipt['state'] : null;
  if (typeof state !== 'string' || recordOf({ sys_id: 'x', state }, job.context.settings)?.phase !== 'open') {
    return outcome;
  }
  const detail = `the instance took the resolve and left the record in state ${state}`;
  return keep(job.context, record, { outcome: 'permanent', reason: 'refused', status: outcome.status ?? null, detail });
}

async function patch(
  job: Job,
  record: IncidentRecord,
  { values, notes }: { values: Record<string, string>; notes: ReceiptNotes },
): Promise<Outcome> {
  const { context, api, step } = job;
  const reply = await api.update('incident', record.sysId, values);
  if (!reply.ok) return keep(context, record, reply.outcome);
  const now = recordOf(reply.result, context.settings);
  const after = now === null ? record : { ...now, number: now.number ?? record.number };
  const severity = 'impact' in values ? step.incident.severity : undefined;
  return accepted(context, after, {
    level: 'confirmed',
    status: reply.status,
    ...notes,
    ...(severity === undefined ? {} : { severity }),
  });
}

function already(job: Job, record: IncidentRecord): Accepted {
  const { context, located, step } = job;
  const severity = step.action === 'open' ? step.incident.severity : undefined;
  return accepted(context, record, {
    level: 'confirmed',
    note: 'found done: an earlier try had arrived',
    duplicates: located.duplicates,
    ...(severity === undefined ? {} : { severity }),
  });
}

function closed(job: Job, record: IncidentRecord): Accepted {
  return accepted(job.context, record, { level: 'accepted', note: 'record is closed: not written' });
}

function lost(): Outcome {
  const detail = 'the record is deleted, or hidden from us by an access rule';
  return { outcome: 'permanent', reason: 'not-found', status: 404, detail };
}
