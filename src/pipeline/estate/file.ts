/** The estate from a file that somebody keeps, or writes from an inventory of their own. */
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Estate, EstateResource } from '#src/core/estate.ts';

const id = z
  .string()
  .regex(/^\/subscriptions\/[^/]+\//i, 'must be a resource id')
  .transform((given) => given.toLowerCase().replace(/\/+$/, ''));
const tags = z.record(z.string(), z.string()).default({});
const region = z.string().min(1);

const Registry = z.object({
  id,
  region,
  replicas: z
    .array(
      z.union([
        region.transform((name) => ({ region: name, endpoint: null })),
        z.object({ region, endpoint: z.boolean().nullable().default(null) }),
      ]),
    )
    .default([]),
  sku: z.string().nullish(),
  tags,
});
const Cluster = z.object({ id, region, version: z.string().nullish(), tags });
const Subscription = z.object({
  id: z.string().transform((given) => given.toLowerCase()),
  name: z.string().nullable().default(null),
  tags,
});

const EstateFile = z.object({
  at: z.iso.datetime({ offset: true }).optional(),
  registries: z.array(Registry).default([]),
  clusters: z.array(Cluster).default([]),
  subscriptions: z.array(Subscription).default([]),
});

/** The file's content and when it was true: its own `at`, else its time of change. Rejects in words. */
export async function readEstateFile(file: string): Promise<{ estate: Estate; takenAt: string }> {
  const [text, { mtime }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`the estate file is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = EstateFile.safeParse(json);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw new Error(`the estate file cannot be read: ${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`);
  }
  const { registries, clusters, subscriptions, at } = parsed.data;
  const resources = [
    ...registries.map((one): EstateResource => ({
      ...common(one),
      kind: 'registry',
      replicas: one.replicas,
      version: one.sku ?? null,
    })),
    ...clusters.map((one): EstateResource => ({
      ...common(one),
      kind: 'cluster',
      replicas: [],
      version: one.version ?? null,
    })),
  ];
  return { estate: { resources, subscriptions }, takenAt: new Date(at ?? mtime).toISOString() };
}

function common(one: {
  id: string;
  region: string;
  tags: Record<string, string>;
}): Omit<EstateResource, 'kind' | 'replicas' | 'version'> {
  const parts = one.id.split('/');
  return { id: one.id, name: parts.at(-1)!, subscription: parts[2]!, region: one.region, tags: one.tags };
}
