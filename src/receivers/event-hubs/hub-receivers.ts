/** All configured hubs. They share one place in the store: however many partitions are read, the HTTP receivers keep theirs. */
import type { EventHubConfig } from '#src/config/types.ts';
import { startHubReceiver, type HubReceiver, type HubReceiverOptions, type HubState } from './hub-receiver.ts';

export interface HubReceivers {
  /** Starts, stops and restarts receivers so that they fit the config. */
  apply(hubs: readonly EventHubConfig[]): Promise<void>;
  states(): HubState[];
  stop(): Promise<void>;
}

/** Starts with no hub. Commits of all hubs run one after the other. */
export function createHubReceivers(options: HubReceiverOptions): HubReceivers {
  const running = new Map<string, { config: EventHubConfig; receiver: HubReceiver }>();
  let tail: Promise<unknown> = Promise.resolve();
  let applying: Promise<unknown> = Promise.resolve();
  let stopped = false;

  const commit: HubReceiverOptions['commit'] = (...given) => {
    const result = tail.then(() => options.commit(...given));
    tail = result.catch(() => undefined);
    return result;
  };

  async function change(hubs: readonly EventHubConfig[]): Promise<void> {
    const gone = [...running.values()].filter(({ config }) => !hubs.some((hub) => isSame(hub, config)));
    await Promise.all(
      gone.map(({ config, receiver }) => {
        running.delete(config.name);
        return receiver.stop();
      }),
    );
    for (const hub of stopped ? [] : hubs) {
      if (running.has(hub.name)) continue;
      running.set(hub.name, { config: hub, receiver: startHubReceiver(hub, { ...options, commit }) });
    }
  }

  return {
    apply(hubs) {
      const done = applying.then(() => change(hubs));
      applying = done.catch(() => undefined);
      return done;
    },
    states: () => [...running.values()].map(({ receiver }) => receiver.state()),
    async stop() {
      stopped = true;
      await applying;
      await Promise.all([...running.values()].map(({ receiver }) => receiver.stop()));
      running.clear();
    },
  };
}

/** By every field: the config hides its secrets when it is turned into text. */
function isSame(a: EventHubConfig, b: EventHubConfig): boolean {
  return (Object.keys(a) as (keyof EventHubConfig)[]).every((name) => a[name] === b[name]);
}
