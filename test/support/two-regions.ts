/** Two relays of one relayId, each with its own stores, in front of the same vendors; what they ask each other goes through proxies. */
import { ownPort } from '#test/support/own-port.ts';
import { expect } from 'vitest';
import { serviceHealth, type Post } from './fixtures.ts';
import {
  API_TOKEN,
  openStores,
  READ_TOKEN,
  startRelay,
  type FootingName,
  type Stores,
  type TestRelay,
  TOKEN,
} from './relay.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { PagerDutyServer } from './vendors/pagerduty.ts';
import { SlackServer } from './vendors/slack.ts';
import { TeamsServer } from './vendors/teams.ts';

export type RegionName = 'east' | 'west';

export interface Region {
  name: RegionName;
  environment: Record<string, string>;
  /** In front of it, for the other. */
  proxy: TcpProxy;
  port: number;
  url: string;
}

export interface TwoRegions {
  pager: PagerDutyServer;
  /** East tells it, west stands by. */
  teams: TeamsServer;
  /** West tells it, east stands by. */
  slack: SlackServer;
  east: Region;
  west: Region;
  /** Config of a region below the head, with more or other lines. */
  yaml(region: RegionName, more?: RegionConfig): string;
  start(region: RegionName, more?: RegionConfig): Promise<TestRelay>;
  /** With a config of one's own. */
  startAs(region: RegionName, config: string): Promise<TestRelay>;
  /** A post to each of these relays. */
  post(relays: readonly { url: string }[], post: Post): Promise<void>;
  stop(): Promise<void>;
}

export interface RegionConfig {
  peer?: string;
  /** Further destinations, as lines. */
  destinations?: string;
  extra?: string;
  to?: string;
}

/** What the pair looks like in tests: quick enough to wait for. */
export const GRACE_MS = 4_000;
export const MISSING_AFTER_MS = 2_000;
export const EVERY_MS = 500;
const ROUTING_KEY = '0123456789abcdef0123456789abcdef';

export type TwoStores = Record<RegionName, Stores>;

/** Stores for each region; one per test file. */
export async function openTwoStores(footing: FootingName): Promise<TwoStores> {
  return { east: await openStores(footing), west: await openStores(footing) };
}

/** One after the other: they may share a server. */
export async function stopTwoStores({ east, west }: TwoStores): Promise<void> {
  await west.stop();
  await east.stop();
}

/** Fresh databases and vendors; no relay runs yet. */
export async function openTwoRegions(stores: TwoStores): Promise<TwoRegions> {
  const pager = await new PagerDutyServer().start();
  const teams = await new TeamsServer().start();
  const slack = await new SlackServer().start();
  const relays = new Set<TestRelay>();
  const region = async (name: RegionName): Promise<Region> => {
    const port = await ownPort();
    const environment = { ...(await stores[name].environment()), PORT: String(port) };
    const proxy = await startTcpProxy({ host: '127.0.0.1', port });
    return { name, environment, proxy, port, url: `http://127.0.0.1:${port}` };
  };
  const east = await region('east');
  const west = await region('west');
  const other = { east: west, west: east };

  function yaml(name: RegionName, { peer = '', destinations = '', extra = '', to }: RegionConfig = {}): string {
    const url = `http://127.0.0.1:${other[name].proxy.port}`;
    const times = `every: ${EVERY_MS}ms, missingAfter: ${MISSING_AFTER_MS}ms, grace: ${GRACE_MS}ms`;
    const onStandby = (one: RegionName): string => (one === name ? '' : ', standby: true');
    return `relayId: pair
peer: { url: "${url}", token: ${READ_TOKEN}, ${times}${peer} }
${extra}destinations:
  oncall: { type: pagerduty, routingKey: ${ROUTING_KEY}, eventsUrl: "${pager.url}" }
  channel: { type: teams, webhookUrl: "${teams.url}"${onStandby('east')}, retry: { schedule: [500ms] } }
  chat: { type: slack, webhookUrl: "${slack.url}"${onStandby('west')}, retry: { schedule: [500ms] } }
${destinations}routes: [{ match: {}, to: [${to ?? 'oncall, channel, chat'}] }]
`;
  }

  async function startAs(name: RegionName, config: string): Promise<TestRelay> {
    const relay = await startRelay(stores[name], config, { east, west }[name].environment);
    relays.add(relay);
    return relay;
  }

  return {
    pager,
    teams,
    slack,
    east,
    west,
    yaml,
    start: (name, more) => startAs(name, yaml(name, more)),
    startAs,
    async post(to, post) {
      const answers = await Promise.all(to.map((relay) => send(relay.url, serviceHealth(post))));
      expect(answers.every((status) => status === 202)).toBe(true);
    },
    async stop() {
      for (const { proxy } of [east, west]) proxy.cut();
      await Promise.all([...relays].map((relay) => relay.stop()));
      await Promise.all([east.proxy.stop(), west.proxy.stop(), pager.stop(), teams.stop(), slack.stop()]);
    },
  };
}

async function send(url: string, body: unknown): Promise<number> {
  const response = await fetch(`${url}/v1/receivers/azure-monitor`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Cards and messages of one incident. */
export function countOf(
  id: string,
  { teams, slack, pager }: TwoRegions,
): { teams: number; slack: number; pages: number } {
  return {
    teams: teams.cards.filter((card) => card.text.includes(id)).length,
    slack: slack.posts.filter((post) => JSON.stringify(post).includes(id)).length,
    pages: pager.alerts().filter((alert) => alert.title.includes(id)).length,
  };
}

/** The part `peer` of `/readyz`; undefined where there is none. */
export async function peerPart(relay: { url: string }): Promise<{ status: string; detail?: string } | undefined> {
  const response = await fetch(`${relay.url}/readyz`, { headers: { authorization: `Bearer ${API_TOKEN}` } });
  const { parts } = (await response.json()) as { parts: { name: string; status: string; detail?: string }[] };
  return parts.find((part) => part.name === 'peer');
}
