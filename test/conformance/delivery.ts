/**
 * Plays the pipeline's part towards one adapter: keeps the memo and what the destination was told, gives every step a
 * key of its own, and settles an unknown outcome the way the adapter's repeat policy asks for.
 */
import type { Adapter, DestinationView, Memo, Outcome, Step } from '#src/core/adapter.ts';
import { createHttpClient } from '#src/http/client.ts';
import { makeContext, makeStep } from '#test/support/steps.ts';
import type { ConformanceBench, FaultyServer, RunningBench } from './bench.ts';
import type { Fault } from '#test/support/vendors/vendor-server.ts';

export type StepOverrides = Parameters<typeof makeStep>[0];

export interface RunOptions {
  /** Limit on the whole step; 20 s unless told. */
  deadlineMs?: number;
  signal?: AbortSignal;
  /** The process dies before the outcome is written: memo and state stay as they were. */
  crash?: boolean;
}

export class Delivery {
  memo: Memo = {};
  opened = false;
  told = false;
  /** Everything that the adapter logged, and every outcome: what the secrets are looked for in. */
  readonly trace: unknown[] = [];
  readonly #adapter: Adapter;
  readonly #settings: unknown;
  readonly #destination: Partial<DestinationView>;
  readonly #client = createHttpClient({ egress: { allow: ['127.0.0.0/8'] } });
  readonly #id = Math.random().toString(36).slice(2, 10);
  #last: { step: Step; number: number } | null = null;
  #number = 0;

  constructor(adapter: Adapter, running: RunningBench, destination: Partial<DestinationView> = {}) {
    this.#adapter = adapter;
    this.#settings = adapter.settings.parse(running.settings);
    this.#destination = destination;
  }

  /** The next step, as the planner would hand it over. */
  run(overrides: StepOverrides = {}, options: RunOptions = {}): Promise<Outcome> {
    const step = makeStep({ opened: this.opened, told: this.told, ...overrides });
    this.#last = { step, number: ++this.#number };
    return this.#attempt(step, { settling: false, ...options });
  }

  /** The very same step again after an attempt without an outcome (design 3.5). */
  again(options: RunOptions = {}): Promise<Outcome> {
    if (!this.#last) throw new Error('nothing to repeat');
    const { step } = this.#last;
    const repeat = this.#adapter.repeat === 'mark';
    return this.#attempt({ ...step, repeat }, { settling: this.#adapter.repeat === 'lookup', ...options });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #attempt(step: Step, options: RunOptions & { settling: boolean }): Promise<Outcome> {
    const { deadlineMs = 20_000, signal = new AbortController().signal, crash = false, settling } = options;
    const record = (fields: Record<string, unknown>, message: string) => void this.trace.push({ fields, message });
    const outcome = await this.#adapter.deliver(
      step,
      makeContext({
        settings: this.#settings,
        destination: {
          name: 'oncall',
          id: 'oncall',
          timezone: 'Europe/Berlin',
          sensitive: 'full',
          ...this.#destination,
        },
        stepKey: `dlv_${this.#id}_${this.#last?.number ?? 0}`,
        memo: this.memo,
        settling,
        http: this.#client.call({ signal, deadlineMs }),
        resolveHost: (host, { tls }) => this.#client.resolveHost(host, { tls }),
        signal,
        log: { info: record, warn: record },
      }),
    );
    this.trace.push(outcome);
    if (!crash) this.#apply(step, outcome);
    return outcome;
  }

  #apply(step: Step, outcome: Outcome): void {
    this.memo = outcome.memo ?? this.memo;
    if (outcome.outcome !== 'accepted' && outcome.outcome !== 'unknown') return;
    this.told = true;
    if (step.action === 'open') this.opened = true;
    if (step.action === 'resolve' || step.action === 'retract') this.opened = false;
  }
}

/** The stand-in of an HTTP kind. */
export function serverOf(running: RunningBench): FaultyServer {
  if (!running.server) throw new Error('only smtp kinds may have no server');
  return running.server;
}

/** Breaks the first write of the next `open`, after the harmless requests that the adapter makes before it. */
export function breakWrite(bench: ConformanceBench, running: RunningBench, fault: Fault): void {
  const server = serverOf(running);
  if (bench.requestsBeforeWrite > 0) server.failNext({ kind: 'slow', delayMs: 0 }, bench.requestsBeforeWrite);
  server.failNext(fault);
}
