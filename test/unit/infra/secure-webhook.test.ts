/** The script of the secure webhook, against a stand-in of `az` that keeps what was made. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../../infra/entra/secure-webhook.sh', import.meta.url));
const AZ = `#!/usr/bin/env bash
cd "$(dirname "$0")"; echo "$*" >> calls
has() { [ -e "$1" ]; }; mark() { touch "$1"; }
case "$*" in
  "ad app list"*length*) if has app; then echo 1; else echo 0; fi ;;
  "ad app list"*) if has app; then echo app-id; fi ;;
  "ad app create"*) mark app; echo app-id ;;
  "ad app update"*--app-roles*) mark role; grep -o '"id":"[^"]*"' <<<"$*" | cut -d'"' -f4 > role ;;
  "ad app show"*"appRoles["*) if has role; then cat role; fi ;;
  "ad app show"*length*) if has role; then echo 1; else echo 0; fi ;;
  "ad app show"*) echo app-object ;;
  "ad sp list"*461e8683*) echo azns ;;
  "ad sp list"*) if has sp; then echo relay-sp; fi ;;
  "ad sp create"*) mark sp; echo relay-sp ;;
  "rest --method post"*) mark held ;;
  "rest "*) if has held; then echo held; fi ;;
  "account show"*) echo tenant-1 ;;
esac
`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relay-entra-'));
  writeFileSync(join(folder, 'az'), AZ);
  chmodSync(join(folder, 'az'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(): { code: number | null; out: string; err: string; writes: string[] } {
  const before = calls().length;
  const { status, stdout, stderr } = spawnSync('bash', [script], {
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
    encoding: 'utf8',
  });
  const writes = calls().slice(before);
  return {
    code: status,
    out: stdout,
    err: stderr,
    writes: writes.filter((call) => /create|app-roles|post/.test(call)),
  };
}

function calls(): string[] {
  try {
    return readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}

test('makes application, role, principal and the right of the caller, once, and says what to write where', () => {
  const first = run();
  expect(first.err).toBe('');
  expect(first.code).toBe(0);
  expect(first.out).toContain(
    'entra: { tenant: "tenant-1", audience: ["api://app-id"], role: ActionGroupsSecureWebhook }',
  );
  expect(first.out).toContain('entraObjectId=app-object');
  expect(first.writes).toHaveLength(4);
  expect(first.writes[3]).toContain('"principalId":"azns","resourceId":"relay-sp"');
  const second = run();
  expect(second.code).toBe(0);
  expect(second.out).toBe(first.out);
  expect(second.writes).toEqual([]);
});
