/** JSON Schema of `relay.yaml`, for editors; written by `relay schema`. */
import { z } from 'zod';
import type { Adapter } from '#src/core/adapter.ts';
import { CommonKeys } from './schema-common.ts';
import { RelayDocument, Subscriptions } from './schema.ts';

type JsonSchema = Record<string, unknown>;

/** Draft 2020-12. Each destination is its adapter's schema joined with the common keys, told apart by `type`. */
export function configJsonSchema(adapters: readonly Adapter[]): JsonSchema {
  const document = jsonSchemaOf(RelayDocument);
  const properties = document['properties'] as Record<string, JsonSchema>;
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...document,
    title: 'relay.yaml',
    properties: {
      ...properties,
      subscriptions: jsonSchemaOf(Subscriptions),
      destinations: {
        ...properties['destinations'],
        type: 'object',
        additionalProperties: { oneOf: adapters.map(destinationSchema) },
      },
    },
  };
}

function destinationSchema(adapter: Adapter): JsonSchema {
  return { title: adapter.kind, ...withCommonKeys(jsonSchemaOf(adapter.settings), adapter) };
}

/** The adapters' schemas are strict: the common keys must stand inside each, `allOf` would refuse them. */
function withCommonKeys(schema: JsonSchema, adapter: Adapter): JsonSchema {
  for (const key of ['anyOf', 'oneOf'] as const) {
    const branches = schema[key];
    if (Array.isArray(branches))
      return { ...schema, [key]: branches.map((branch: JsonSchema) => withCommonKeys(branch, adapter)) };
  }
  const common = jsonSchemaOf(CommonKeys)['properties'] as Record<string, JsonSchema>;
  for (const [key, usual] of Object.entries(defaultsOf(adapter))) common[key] = { ...common[key], default: usual };
  const type = { const: adapter.kind, description: 'The kind of target.' };
  const properties = { type, ...(schema['properties'] as JsonSchema | undefined), ...common };
  const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : [];
  return { ...schema, type: 'object', properties, required: ['type', ...required] };
}

/** What the common keys are where a destination of this kind does not say. */
function defaultsOf({ defaults, repeat }: Adapter): { updates: string; concurrency: number; failOpen: boolean } {
  return { ...defaults, failOpen: repeat === 'key' && defaults.failOpen };
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return withReferences(rest) as JsonSchema;
}

const REFERENCE = { type: 'string', pattern: '\\$\\{[^}]+\\}' };
const LIMITS = ['pattern', 'format', 'minLength', 'maxLength', 'enum'];

/** Editors see `${NAME}` before it is filled in: wherever a text has limits, a reference is as good. */
function withReferences(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withReferences);
  if (typeof node !== 'object' || node === null) return node;
  const inside = Object.fromEntries(Object.entries(node).map(([key, item]) => [key, withReferences(item)]));
  const limited = inside['type'] === 'string' && LIMITS.some((limit) => limit in inside);
  if (!limited) return inside;
  const { default: usual, description, ...rest } = inside;
  // Where zod gives a pattern, its format is a name of its own (`starts_with`) that no validator knows.
  if ('pattern' in rest) delete rest['format'];
  return {
    ...(description === undefined ? {} : { description }),
    ...(usual === undefined ? {} : { default: usual }),
    anyOf: [rest, REFERENCE],
  };
}
