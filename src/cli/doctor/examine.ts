/** All checks, side by side; one that breaks is a finding and stops no other. */
import { createStoreTokens } from '#src/azure/store-tokens.ts';
import type { Environment } from '#src/config/env.ts';
import { configSecrets, redactor, urlSecrets } from '#src/config/secrets.ts';
import type { LoadResult } from '#src/config/load.ts';
import type { Io } from '../command.ts';
import { checkAzureClock } from './clock.ts';
import { checkDisk } from './disk.ts';
import { reasonOf, reporter, type Finding, type Reporter, type Subject } from './finding.ts';
import { checkPostgres } from './postgres.ts';
import { checkRedis } from './redis.ts';
import { checkRelay } from './relay.ts';
import { checkSettings } from './settings.ts';
import { checkHubs, checkVendors } from './vendors.ts';

/** Looks at everything that can be looked at. Never throws; takes some 10 s at most, 20 s more where Entra is silent. */
export async function examine(io: Io, env: Environment, loaded: LoadResult & { ok: true }): Promise<Finding[]> {
  const { config, warnings } = loaded;
  const subject: Subject = { env, config, cwd: io.cwd };
  const tokens = createStoreTokens(env, () => undefined);
  const address = env.databaseUrl === null ? null : { url: env.databaseUrl, ...tokens.password };
  const hide = redactor([...configSecrets(config), ...urlSecrets(env.databaseUrl, env.redisUrl)]);
  const areas: [string, (report: Reporter) => Promise<void> | void][] = [
    ['config', (report) => checkSettings(subject, warnings, report)],
    ['postgres', (report) => checkPostgres(subject, address, report)],
    ['redis', (report) => checkRedis(subject, tokens.redis, report)],
    ['disk', (report) => checkDisk(subject, report)],
    ['destinations', (report) => checkVendors(subject, report)],
    ['event hubs', (report) => checkHubs(subject, report)],
    ['azure', (report) => checkAzureClock(subject, report)],
    ['relay', (report) => checkRelay(subject, io, report)],
  ];
  const found = await Promise.all(
    areas.map(async ([area, check]) => {
      const report = reporter(area);
      try {
        await check(report);
      } catch (error) {
        report.fault('check', `this check failed itself: ${reasonOf(error)}`, {
          means: 'nothing is known about this area',
          do: 'report it with this line',
        });
      }
      return report.findings;
    }),
  );
  tokens.stop();
  return found.flat().map((finding) => ({ ...finding, says: hide(finding.says) }));
}
