/** The two envelopes of Event Grid, its own schema and CloudEvents 1.0, as one (azure-signals 4.3). */
import { fieldsOf, objectOf, parseNested, textOf, valueOf, type Fields } from '../parse/fields.ts';

export interface GridEvent {
  schema: 'event-grid' | 'cloudevents';
  id: string | null;
  /** As sent, for titles; compare `typeKey`. */
  type: string;
  typeKey: string;
  /** `topic` or `source`: the resource or subscription that the event comes from. */
  source: string | null;
  subject: string | null;
  time: unknown;
  data: Fields;
}

/** True for either envelope. A type alone is not enough: other JSON has that too. */
export function isGridEvent(record: Fields): boolean {
  if (record.has('specversion') && textOf(record, 'type') !== null) return true;
  return (
    textOf(record, 'eventType') !== null &&
    ['topic', 'subject', 'eventtime', 'dataversion'].some((name) => record.has(name))
  );
}

/** Reads the envelope. `data` may be an object, a string that holds one, or base64 (CloudEvents). */
export function gridEvent(record: Fields): GridEvent {
  const isCloud = record.has('specversion');
  const type = (isCloud ? textOf(record, 'type') : textOf(record, 'eventType')) ?? '';
  const data = objectOf(record, 'data');
  return {
    schema: isCloud ? 'cloudevents' : 'event-grid',
    id: textOf(record, 'id'),
    type,
    typeKey: type.toLowerCase(),
    source: textOf(record, 'topic', 'source'),
    subject: textOf(record, 'subject'),
    time: valueOf(record, 'eventTime', 'time'),
    data: data.size > 0 ? data : encodedData(textOf(record, 'data_base64')),
  };
}

function encodedData(base64: string | null): Fields {
  return base64 === null ? new Map() : fieldsOf(parseNested(Buffer.from(base64, 'base64').toString('utf8')));
}
