/** From the start of the process to the first accepted post, and what the process holds when nothing happens. Goal 7. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownPort } from '#test/support/own-port.ts';
import { bodyOf } from './bodies.ts';
import { startRelayProcess, usage } from './processes.ts';
import { benchConfig, RECEIVER_PATH } from './stage.ts';
import type { Line } from './table.ts';

/** Long enough for the process to notice that it is idle and give memory back. */
const IDLE_MS = 25_000;

export async function start(): Promise<Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'relay-bench-'));
  try {
    const first = await once(folder, 0);
    const second = await once(folder, IDLE_MS);
    return [
      {
        name: 'first accept on a new embedded folder',
        goal: '< 3 s',
        value: `${(first.acceptMs / 1000).toFixed(2)} s`,
        detail: '',
      },
      {
        name: 'first accept on a folder that is there',
        goal: '< 1 s',
        value: `${(second.acceptMs / 1000).toFixed(2)} s`,
        detail: '',
      },
      {
        name: 'idle memory, the relay itself',
        goal: '< 150 MB',
        value: `${Math.round(second.rssMb)} MB`,
        detail: `role all, embedded; ${Math.round(first.rssMb)} MB right after the first post`,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function once(folder: string, idleMs: number): Promise<{ acceptMs: number; rssMb: number }> {
  const port = await ownPort();
  const begin = performance.now();
  const relay = await startRelayProcess({
    PORT: String(port),
    RELAY_CONFIG: benchConfig(folder, { sinkUrl: 'http://127.0.0.1:9' }),
    RELAY_DATA_DIR: join(folder, 'data'),
  });
  try {
    const response = await fetch(`http://127.0.0.1:${port}${RECEIVER_PATH}`, {
      method: 'POST',
      body: bodyOf('distinct', Math.round(begin)).body,
    });
    if (response.status !== 202) throw new Error(`the first post was answered ${response.status}`);
    const acceptMs = performance.now() - begin;
    await new Promise((done) => setTimeout(done, idleMs));
    return { acceptMs, rssMb: usage(relay.process.pid!)?.rssMb ?? 0 };
  } finally {
    await relay.stop();
  }
}
