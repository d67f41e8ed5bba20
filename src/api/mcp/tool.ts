/** What a tool of `/mcp` is, and how much of anything one answer holds: it is read by a model, whose attention has an end. */
import { z } from '@hono/zod-openapi';
import type { Caller } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';

export interface ToolContext {
  deps: ApiDeps;
  caller: Caller;
}

export interface ToolAnswer {
  structured: Record<string, unknown>;
  /** A few lines that say the same to a client that shows only text. */
  text: string;
}

export interface Tool {
  name: string;
  title: string;
  description: string;
  input: z.ZodObject;
  output: z.ZodObject;
  /** Arguments are parsed by `input`. May throw a {@link Problem}: its message is for the caller. */
  run(args: unknown, context: ToolContext): Promise<ToolAnswer>;
}

/** Keeps the types of arguments and answer together where a tool is written down. */
export function defineTool<In extends z.ZodObject, Out extends z.ZodObject>(tool: {
  name: string;
  title: string;
  description: string;
  input: In;
  output: Out;
  run(args: z.output<In>, context: ToolContext): Promise<{ structured: z.input<Out>; text: string }>;
}): Tool {
  return { ...tool, run: (args, context) => tool.run(args as z.output<In>, context) };
}

/** As the API's own parameter of the path. */
export const Id = z
  .string()
  .min(1)
  .max(300)
  .describe('Our id (inc_...) or the tracking ID in any case: its newest episode');

/** Checked by the API's own schema, which knows what a time is. */
export const Moment = z.string().max(40).describe('A time such as 2026-09-14T08:00:00Z; without a zone it is UTC');

export const Omitted = z.record(z.string(), z.number()).describe('How many more there are of what was cut');

/** The first of each list, and how many were left out of those that were cut. */
export function cut<T extends Record<string, readonly unknown[]>>(
  lists: T,
  max: number,
): { kept: { [K in keyof T]: T[K][number][] }; omitted: Record<string, number> } {
  const kept = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.slice(0, max)]));
  const longer = Object.entries(lists).filter(([, list]) => list.length > max);
  return {
    kept: kept as { [K in keyof T]: T[K][number][] },
    omitted: Object.fromEntries(longer.map(([name, list]) => [name, list.length - max])),
  };
}

/** `1 delivery`, `2 deliveries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
