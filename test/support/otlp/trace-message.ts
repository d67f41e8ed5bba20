/** An ExportTraceServiceRequest of OTLP 1.x (opentelemetry-proto, trace/v1) as spans that tests can ask about. */
import { decodeProtobuf, type Decoded, type Schema } from './protobuf.ts';

export type AttributeValue = string | number | boolean | AttributeValue[];

export interface OtlpSpan {
  traceId: string;
  spanId: string;
  /** Null for the root of a trace. */
  parentSpanId: string | null;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  startNs: bigint;
  endNs: bigint;
  attributes: Record<string, AttributeValue>;
  events: { name: string; attributes: Record<string, AttributeValue> }[];
  links: { traceId: string; spanId: string }[];
  failed: boolean;
  statusMessage: string;
  scope: string;
  resource: Record<string, AttributeValue>;
}

const ANY_VALUE: Schema = {
  1: ['string', 'string'],
  2: ['bool', 'varint'],
  3: ['int', 'varint'],
  4: ['double', 'double'],
  5: ['array', () => ARRAY],
};
const ARRAY: Schema = { 1: ['values', () => ANY_VALUE] };
const KEY_VALUE: Schema = { 1: ['key', 'string'], 2: ['value', ANY_VALUE] };
const SPAN: Schema = {
  1: ['traceId', 'bytes'],
  2: ['spanId', 'bytes'],
  3: ['traceState', 'string'],
  4: ['parentSpanId', 'bytes'],
  5: ['name', 'string'],
  6: ['kind', 'varint'],
  7: ['start', 'fixed64'],
  8: ['end', 'fixed64'],
  9: ['attributes', KEY_VALUE],
  10: ['droppedAttributes', 'varint'],
  11: [
    'events',
    { 1: ['time', 'fixed64'], 2: ['name', 'string'], 3: ['attributes', KEY_VALUE], 4: ['dropped', 'varint'] },
  ],
  12: ['droppedEvents', 'varint'],
  13: [
    'links',
    {
      1: ['traceId', 'bytes'],
      2: ['spanId', 'bytes'],
      3: ['traceState', 'string'],
      4: ['attributes', KEY_VALUE],
      5: ['dropped', 'varint'],
      6: ['flags', 'fixed32'],
    },
  ],
  14: ['droppedLinks', 'varint'],
  15: ['status', { 2: ['message', 'string'], 3: ['code', 'varint'] }],
  16: ['flags', 'fixed32'],
};
const SCOPE: Schema = {
  1: ['name', 'string'],
  2: ['version', 'string'],
  3: ['attributes', KEY_VALUE],
  4: ['dropped', 'varint'],
};
const SCOPE_SPANS: Schema = { 1: ['scope', SCOPE], 2: ['spans', SPAN], 3: ['schemaUrl', 'string'] };
const RESOURCE: Schema = { 1: ['attributes', KEY_VALUE], 2: ['dropped', 'varint'] };
const RESOURCE_SPANS: Schema = {
  1: ['resource', RESOURCE],
  2: ['scopeSpans', SCOPE_SPANS],
  3: ['schemaUrl', 'string'],
};
const REQUEST: Schema = { 1: ['resourceSpans', RESOURCE_SPANS] };

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

/** Decodes and checks what the specification asks of a span; throws with the reason. */
export function decodeTraceRequest(body: Buffer): OtlpSpan[] {
  return list(decodeProtobuf(body, REQUEST)['resourceSpans']).flatMap((perResource) => {
    const resource = attributesOf(list(perResource['resource'])[0]);
    if (typeof resource['service.name'] !== 'string') throw new Error('the resource has no service.name');
    return list(perResource['scopeSpans']).flatMap((perScope) => {
      const scope = text(list(perScope['scope'])[0]?.['name']);
      return list(perScope['spans']).map((span) => spanOf(span, { scope, resource }));
    });
  });
}

function spanOf(span: Decoded, around: Pick<OtlpSpan, 'scope' | 'resource'>): OtlpSpan {
  const parent = span['parentSpanId']?.[0] as Buffer | undefined;
  const kind = KINDS[Number(span['kind']?.[0] ?? 0n)];
  const [startNs, endNs] = [span['start']?.[0] as bigint, span['end']?.[0] as bigint];
  const name = text(span['name']);
  if (name === '') throw new Error('a span has no name');
  if (kind === undefined || kind === 'unspecified') throw new Error(`${name} has no kind`);
  if (!(startNs > 0n) || endNs < startNs) throw new Error(`${name} ends before it starts`);
  const status = list(span['status'])[0];
  return {
    traceId: hexId(span['traceId'], 16),
    spanId: hexId(span['spanId'], 8),
    parentSpanId: parent === undefined || parent.length === 0 ? null : hexId([parent], 8),
    name,
    kind,
    startNs,
    endNs,
    attributes: attributesOf(span),
    events: list(span['events']).map((event) => ({ name: text(event['name']), attributes: attributesOf(event) })),
    links: list(span['links']).map((link) => ({
      traceId: hexId(link['traceId'], 16),
      spanId: hexId(link['spanId'], 8),
    })),
    failed: status?.['code']?.[0] === 2n,
    statusMessage: text(status?.['message']),
    ...around,
  };
}

function hexId(field: unknown[] | undefined, bytes: number): string {
  const id = field?.[0] as Buffer | undefined;
  if (id?.length !== bytes || id.every((byte) => byte === 0)) throw new Error(`an id has not ${bytes} bytes`);
  return id.toString('hex');
}

function attributesOf(message: Decoded | undefined): Record<string, AttributeValue> {
  const pairs = list(message?.['attributes']).map((pair) => [text(pair['key']), valueOf(list(pair['value'])[0])]);
  return Object.fromEntries(pairs) as Record<string, AttributeValue>;
}

function valueOf(value: Decoded | undefined): AttributeValue {
  const [kind, [content]] = Object.entries(value ?? {})[0] ?? ['string', ['']];
  if (kind === 'array') return list((content as Decoded)['values']).map(valueOf);
  if (kind === 'bool') return content === 1n;
  if (kind === 'int') return Number(BigInt.asIntN(64, content as bigint));
  return content as string | number;
}

function list(field: unknown[] | undefined): Decoded[] {
  return (field ?? []) as Decoded[];
}

function text(field: unknown[] | undefined): string {
  return (field?.[0] as string | undefined) ?? '';
}
