/** The config that is in force. A broken reload changes nothing and can be seen (design section 4). */
import type { RelayConfig } from './types.ts';

export interface ConfigHolder {
  current(): RelayConfig;
  /** Takes over a new config and tells the listeners. */
  replace(config: RelayConfig): void;
  /** A reload was refused, for these reasons. */
  refuse(faults: string): void;
  /** Why the last reload was refused; null when it was taken over. */
  reloadFault(): string | null;
  onChange(listener: (config: RelayConfig) => void): void;
}

/** Starts with a valid config. */
export function createConfigHolder(first: RelayConfig): ConfigHolder {
  let config = first;
  let fault: string | null = null;
  const listeners: ((config: RelayConfig) => void)[] = [];
  return {
    current: () => config,
    replace(next) {
      config = next;
      fault = null;
      for (const listener of listeners) listener(next);
    },
    refuse: (faults) => void (fault = faults),
    reloadFault: () => fault,
    onChange: (listener) => void listeners.push(listener),
  };
}
