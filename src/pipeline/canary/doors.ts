/** The doors that a canary can enter by: the HTTP receivers with a real token, and Event Hubs that may be sent to. */
import { SEND_BY_IDENTITY } from '#src/config/schema-canary.ts';
import type { RelayConfig } from '#src/config/types.ts';
import { hostOf } from '#src/http/egress.ts';
import { createHttpClient } from '#src/http/client.ts';
import { sendToHub } from '#src/receivers/event-hubs/producer.ts';
import { activityLogCanary, azureMonitorCanary, eventGridCanary } from './bodies.ts';

export interface Door {
  /** As in metrics and messages: `azure-monitor`, `event-grid`, `event-hub <name>`. */
  receiver: string;
  /** Brings a canary in. Null where it was taken, else what is wrong; never throws. */
  send(run: string, signal: AbortSignal): Promise<string | null>;
}

/** Every door that the config lets a canary enter by. `own`: where this process listens. */
export function doorsOf(config: RelayConfig, { own, now }: { own: string; now: () => Date }): Door[] {
  const { canary, receivers } = config;
  if (canary === null) return [];
  const wants = (receiver: 'azure-monitor' | 'event-grid' | 'event-hubs'): boolean =>
    canary.receivers === null || canary.receivers.includes(receiver);
  const doors: Door[] = [];
  for (const [receiver, body] of [
    ['azure-monitor', azureMonitorCanary],
    ['event-grid', eventGridCanary],
  ] as const) {
    // Without a token these two are open to loopback, or to Entra alone, which cannot be entered.
    if (!wants(receiver) || (receivers.tokens.length === 0 && receivers.entra !== null)) continue;
    doors.push({
      receiver,
      send: (run, signal) => post(config, { own, receiver, signal, body: body(run, now().toISOString()) }),
    });
  }
  for (const hub of wants('event-hubs') ? receivers.eventHubs : []) {
    const given = canary.hubs[hub.name];
    if (given === undefined) continue;
    const connectionString = given === SEND_BY_IDENTITY ? null : given;
    doors.push({
      receiver: `event-hub ${hub.name}`,
      async send(run) {
        const body = activityLogCanary(run, now().toISOString());
        try {
          await sendToHub(hub, { connectionString, body, timeoutMs: canary.withinMs });
          return null;
        } catch (error) {
          return `the hub refused it: ${(error as Error).message.slice(0, 200)}`;
        }
      },
    });
  }
  return doors;
}

async function post(
  config: RelayConfig,
  { own, receiver, signal, body }: { own: string; receiver: string; signal: AbortSignal; body: unknown },
): Promise<string | null> {
  const canary = config.canary!;
  const { tokens } = config.receivers;
  const token = (tokens.find((one) => one.source === canary.source) ?? tokens[0])?.token;
  // Our own door is on loopback, which the config need not allow to anybody else.
  const egress = canary.url === null ? { allow: [hostOf(new URL(own))] } : config.egress;
  const client = createHttpClient({ egress });
  try {
    const answer = await client.call({ signal, deadlineMs: canary.withinMs })({
      method: 'POST',
      url: `${canary.url ?? own}/v1/receivers/${receiver}`,
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
    if (!answer.answered) return `no answer: ${answer.reason}, ${answer.detail}`.slice(0, 300);
    return answer.status === 202 ? null : `it answered ${answer.status}`;
  } finally {
    await client.close();
  }
}
