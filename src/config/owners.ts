/** The section `owners`: who owns what, by tag and by a CSV file, and which destinations that means. */
import type { OwnerRules } from '#src/core/estate-owners.ts';
import { readCsvFile, type CsvSource } from './csv.ts';
import { Owners } from './schema-azure.ts';

export type OwnersOptions = CsvSource;

const PATH = ['owners'];
const HEADER = 'the first line must be scope,owner; a scope is a subscription id or a resource id';

/** Null without the section, or where the whole document is reported as faulty. */
export function readOwners(value: unknown, options: OwnersOptions): OwnerRules | null {
  if (value === undefined || value === null) return null;
  const parsed = Owners.safeParse(value);
  if (!parsed.success) return null;
  const { tag, file, destinations, default: usual } = parsed.data;
  return {
    tag: tag ?? null,
    scopes: file === undefined ? new Map() : readScopes(file, options),
    destinations: new Map(Object.entries(destinations).map(([owner, to]) => [owner.toLowerCase(), to])),
    default: usual,
  };
}

function readScopes(file: string, options: OwnersOptions): Map<string, string> {
  const { report } = options;
  const scopes = new Map<string, string>();
  const path = [...PATH, 'file'];
  const table = readCsvFile(file, { ...options, path });
  if (table === null) return scopes;
  const { names: columns, rows } = table;
  const [scopeAt, ownerAt] = [columns.indexOf('scope'), columns.indexOf('owner')];
  if (scopeAt < 0 || ownerAt < 0) {
    report.fault(path, `${file} has no columns scope and owner`, { hint: HEADER });
    return scopes;
  }
  for (const { cells, line } of rows) {
    const scope = (cells[scopeAt] ?? '').trim().toLowerCase().replace(/\/+$/, '');
    const owner = (cells[ownerAt] ?? '').trim();
    if (scope === '' || owner === '')
      report.fault(path, `${file} line ${line} has no scope or no owner`, { hint: HEADER });
    else scopes.set(scope.replace(/^\/subscriptions\/([^/]+)$/, '$1'), owner);
  }
  return scopes;
}
