/** The commands of this build, in the order in which a newcomer meets them. */
import { command as backfill } from './backfill.ts';
import { command as check } from './check.ts';
import type { Command } from './command.ts';
import { command as coverage } from './coverage.ts';
import { command as doctor } from './doctor.ts';
import { command as gaps } from './gaps.ts';
import { command as incidents } from './incidents.ts';
import { command as init } from './init.ts';
import { command as migrate } from './migrate.ts';
import { command as passThrough } from './pass-through.ts';
import { command as replay } from './replay.ts';
import { command as retry } from './retry.ts';
import { command as route } from './route.ts';
import { command as routeTest } from './route-test.ts';
import { command as schema } from './schema.ts';
import { command as sendTest } from './send-test.ts';
import { command as silence } from './silence.ts';
import { command as timeline } from './timeline.ts';

export const commands: readonly Command[] = [
  init,
  check,
  schema,
  route,
  routeTest,
  sendTest,
  replay,
  incidents,
  timeline,
  retry,
  silence,
  passThrough,
  backfill,
  gaps,
  coverage,
  doctor,
  migrate,
];
