/** The section `owners`: who owns what, by tag and by a CSV file, and which destinations that means. */
import type { OwnerRules } from '#src/core/estate-owners.ts';
import { quoted, type Report } from './fault.ts';
import { besideConfig } from './interpolate.ts';
import { Owners } from './schema-azure.ts';
import { parseCsv } from './subscriptions.ts';

export interface OwnersOptions {
  readFile: (path: string) => string;
  /** Folder of the config. */
  folder: string;
  report: Report;
}

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

function readScopes(file: string, { readFile, folder, report }: OwnersOptions): Map<string, string> {
  const scopes = new Map<string, string>();
  const path = [...PATH, 'file'];
  let text: string;
  try {
    text = readFile(besideConfig(file, folder));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    report.fault(path, `cannot read ${quoted(file)} (${code})`, { hint: 'paths start from the folder of the config' });
    return scopes;
  }
  const [header, ...rows] = parseCsv(text);
  const columns = (header?.cells ?? []).map((cell) => cell.trim().toLowerCase());
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
