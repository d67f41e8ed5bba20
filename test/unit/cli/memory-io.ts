/** A command's world in memory. */
import type { Io } from '#src/cli/command.ts';
import { runCli } from '#src/cli/run.ts';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Values that the example configs ask for. */
export const EXAMPLE_ENV = {
  RECEIVER_TOKEN: 'receiver-token-000000000001',
  API_TOKEN: 'api-token-00000000000000001',
  PAGERDUTY_KEY: '0123456789abcdef0123456789abcdef',
  SNOW_PASSWORD: 'snow-password-1',
  TEAMS_URL:
    'https://default0123.45.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/abc/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=teams-signature-1',
  SMTP_URL: 'smtps://relay:smtp-password-1@smtp.contoso.example:465',
};

/** Secrets that stand in {@link EXAMPLE_ENV}: no output may hold one. */
export const EXAMPLE_SECRETS = [
  EXAMPLE_ENV.RECEIVER_TOKEN,
  EXAMPLE_ENV.API_TOKEN,
  EXAMPLE_ENV.PAGERDUTY_KEY,
  EXAMPLE_ENV.SNOW_PASSWORD,
  'smtp-password-1',
  'teams-signature-1',
  'workflows/abc',
];

/** Runs a command line from the root of the project. */
export async function relay(
  args: readonly string[],
  options: { env?: Io['env']; stdin?: string; cwd?: string } = {},
): Promise<Ran> {
  const ran = { out: '', err: '' };
  const code = await runCli(args, {
    out: (text) => void (ran.out += text),
    err: (text) => void (ran.err += text),
    readStdin: async () => new TextEncoder().encode(options.stdin ?? ''),
    env: options.env ?? {},
    cwd: options.cwd ?? new URL('../../../', import.meta.url).pathname,
  });
  return { code, ...ran };
}
