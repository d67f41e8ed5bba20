/**
 * ServiceNow has no webhook of its own: a business rule or flow calls us with a body that the customer writes. We take
 * the names of the incident table as they are, and our own words beside them (docs/timeline.md has the script).
 */
import { createHash } from 'node:crypto';
import { objectField, textField, timeField, trackingIdsIn, type CallbackEvent, type CallbackReading } from './news.ts';

const WORDS: readonly (readonly [RegExp, CallbackEvent])[] = [
  [/^(ack|in.?progress|work.?in.?progress|2$)/i, 'acknowledged'],
  [/^(re)?assign/i, 'reassigned'],
  [/^(resol|clos|cancel|6$|7$|8$)/i, 'resolved'],
  [/^(note|comment|annot|work.?note)/i, 'annotated'],
];

/** Reads one call. `event` says what happened; without it the state of the incident does (2 in progress, 6 resolved, 7 closed). */
export function readServiceNow(body: unknown, receivedAt: string): CallbackReading {
  const fields = objectField(body);
  const word = textField(fields['event'] ?? fields['state'], 100);
  const note = textField(fields['text'] ?? fields['work_notes'] ?? fields['comments']);
  const known =
    word === null ? (note === null ? undefined : 'annotated') : WORDS.find(([form]) => form.test(word))?.[1];
  if (known === undefined)
    return word === null ? { read: 'odd', why: 'neither event nor state' } : { read: 'ignored', why: word };
  const record = textField(fields['sys_id'], 100);
  const number = textField(fields['number'], 100);
  const vendorKey = textField(fields['correlation_id'], 255);
  const actor = textField(fields['by'] ?? fields['sys_updated_by'] ?? fields['assigned_to'], 200);
  const stated = fields['at'] ?? fields['sys_updated_on'];
  const at = timeField(stated, receivedAt);
  // Without a time of the sender's the same words again are the same call: a rule that fires twice adds nothing.
  const parts = [vendorKey, record, number, known, actor, note, textField(stated, 40)];
  return {
    read: 'news',
    news: {
      vendor: 'servicenow',
      eventKey: textField(fields['id'], 150) ?? createHash('sha256').update(JSON.stringify(parts)).digest('hex'),
      event: known,
      actor,
      at,
      text: note ?? '',
      clues: { vendorKey, record, trackingIds: trackingIdsIn(textField(fields['short_description'], 2_000)) },
    },
  };
}
