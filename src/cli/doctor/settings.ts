/** What the config leaves open that people miss later. */
import type { Fault } from '#src/config/fault.ts';
import type { Reporter, Subject } from './finding.ts';

/** @param warnings of the reading of the config */
export function checkSettings({ env, config }: Subject, warnings: readonly Fault[], report: Reporter): void {
  report.ok('config', `${env.configFile} has no faults`);
  for (const warning of warnings) {
    report.warn(`line ${warning.line}`, warning.message, {
      means: 'the relay starts, and says the same in its log',
      do: warning.hint || 'see docs/configure.md',
    });
  }
  const { tokens, entra, eventHubs } = config.receivers;
  if (tokens.length === 0 && entra === null) {
    report.warn('receiver token', 'no token is configured for receivers', {
      means: eventHubs.length > 0 ? 'only Event Hubs bring signals' : 'only this machine may send signals',
      do: 'add receivers.tokens, or receivers.entra for secure webhooks',
    });
  } else report.ok('receiver token', 'senders need a token');
  if (config.api.tokens.length === 0) {
    report.warn('api token', 'no token is configured for the API', {
      means: 'only this machine may read pages and API',
      do: 'add api.tokens',
    });
  } else report.ok('api token', 'pages and API need a token');
  if (config.publicUrl === null) {
    report.warn('public URL', 'publicUrl is not set', {
      means: 'messages carry no link to the timeline',
      do: 'set publicUrl to the address under which people reach the relay',
    });
  } else report.ok('public URL', `messages link to ${config.publicUrl}`);
}
