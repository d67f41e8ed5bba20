/** Tolerant reading of Azure's answers: keys in any case, times in any form (azure-signals 7.1). */
import { parseTimeMs } from '#src/core/safe.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** An object with lower-cased keys; empty for anything else. */
export function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toLowerCase(), item]));
}

/** A text that says something, or null. */
export function textOf(fields: Fields, ...keys: string[]): string | null {
  for (const key of keys) {
    const value = fields[key.toLowerCase()];
    if (typeof value === 'string' && value.trim() !== '') return value;
    if (typeof value === 'number') return String(value);
  }
  return null;
}

/** A list, also where it comes as a text that holds one. */
export function listOf(fields: Fields, key: string): unknown[] {
  const value = fields[key.toLowerCase()];
  if (Array.isArray(value)) return value as unknown[];
  if (typeof value !== 'string') return [];
  try {
    const parsed = JSON.parse(value) as unknown;
    return Array.isArray(parsed) ? (parsed as unknown[]) : [];
  } catch {
    return [];
  }
}

/** Between the year 1 and 1970, in ticks of 100 ns, as Resource Graph may write times. */
const TICKS_TO_1970 = 621_355_968_000_000_000;

/** ISO 8601 UTC with milliseconds, or null. Texts, milliseconds, seconds, ticks. */
export function timeOf(fields: Fields, ...keys: string[]): string | null {
  for (const key of keys) {
    const value = fields[key.toLowerCase()];
    const number =
      typeof value === 'number' ? value : typeof value === 'string' && /^\d{17,18}$/.test(value) ? Number(value) : 0;
    const ms = number > TICKS_TO_1970 ? Math.trunc((number - TICKS_TO_1970) / 10_000) : parseTimeMs(value);
    if (ms !== null && !Number.isNaN(ms)) return new Date(ms).toISOString();
  }
  return null;
}
