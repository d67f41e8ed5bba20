import { describe, expect, test } from 'vitest';
import { commands } from '#src/cli/commands.ts';
import { relay } from './memory-io.ts';

describe('the command line', () => {
  test('an unknown command names the one that was meant, on standard error, with exit code 2', async () => {
    const { code, out, err } = await relay(['incidnets']);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('did you mean "incidents"?');
  });

  test('no command at all is a usage error that lists them; help lists them with exit code 0', async () => {
    const bare = await relay([]);
    expect([bare.code, bare.out]).toEqual([2, '']);
    const help = await relay(['--help']);
    expect([help.code, help.err]).toEqual([0, '']);
    for (const { name, summary } of commands)
      expect(help.out).toMatch(new RegExp(`  ${name} +${summary.slice(0, 20)}`));
  });

  test.each(commands.map((command) => command.name))('%s --help says how, without doing anything', async (name) => {
    const { code, out, err } = await relay([name, '--help']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`usage: npm run relay -- ${name}`);
    expect((await relay(['help', name])).out).toBe(out);
  });

  test.each(commands.map((command) => command.name))(
    '%s refuses an option it does not know, with exit code 2 and its usage',
    async (name) => {
      const { code, out, err } = await relay([name, '--nonsense']);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain('--nonsense');
      expect(err).toContain(`usage: npm run relay -- ${name}`);
    },
  );

  test('a misspelt option names the one that was meant', async () => {
    expect((await relay(['route', 'x.json', '--explian'])).err).toContain('did you mean --explain?');
  });

  test('a missing or surplus argument and a bad value are usage errors', async () => {
    expect((await relay(['timeline'])).code).toBe(2);
    expect((await relay(['timeline', 'a', 'b'])).code).toBe(2);
    expect((await relay(['timeline', 'a', '--format', 'pdf'])).code).toBe(2);
    expect((await relay(['incidents', '--limit', '0'])).code).toBe(2);
    expect((await relay(['replay', 'a.json', '--url', 'ftp://x'])).code).toBe(2);
  });

  test('a broken environment is told with all its faults and exit code 1', async () => {
    const { code, err } = await relay(['migrate'], { env: { PORT: 'abc', LOG_LEVEL: 'loud' } });
    expect(code).toBe(1);
    expect(err).toContain('PORT');
    expect(err).toContain('LOG_LEVEL');
  });

  test('migrate without DATABASE_URL fails and says why', async () => {
    const { code, err } = await relay(['migrate']);
    expect(code).toBe(1);
    expect(err).toContain('DATABASE_URL is not set');
  });
});
