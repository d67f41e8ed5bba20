/** The registry: a literal list, so that what the relay can do is read in one place and no folder is scanned. */
import type { Adapter } from '#src/core/adapter.ts';
import { email } from './email/index.ts';
import { opsgenie } from './opsgenie/index.ts';
import { pagerduty } from './pagerduty/index.ts';
import { servicenow } from './servicenow/index.ts';
import { slack } from './slack/index.ts';
import { teams } from './teams/index.ts';
import { webhook } from './webhook/index.ts';

export const adapters: readonly Adapter[] = [email, opsgenie, pagerduty, servicenow, slack, teams, webhook];
