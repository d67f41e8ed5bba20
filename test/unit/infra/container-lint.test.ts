import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { validate as lintDockerfile } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('docker-compose.yml by the schema of the Compose specification', () => {
  // The schema is a file of the linter's package; its own rules are about the order of keys.
  const { $schema, ...schema } = JSON.parse(
    readFileSync(new URL('schemas/compose.schema.json', import.meta.resolve('dclint/package.json')), 'utf8'),
  ) as Record<string, unknown>;
  // Not strict: the specification uses keywords of its own, such as "deprecated".
  const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
  /** What the schema says of a text, as `path: message {details}`. */
  function faults(text: string): string[] {
    validate(parse(text, { merge: true }));
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  }

  test('is valid', () => {
    expect($schema).toContain('draft-07');
    expect(faults(read('docker-compose.yml'))).toEqual([]);
  });

  test.each([
    [
      'an unknown key in a service',
      '  redis:\n    image:',
      '  redis:\n    imagee: x\n    image:',
      '/services/redis: must NOT have additional properties {"additionalProperty":"imagee"}',
    ],
    [
      'an unknown key in what services share',
      'cap_drop:',
      'drop_caps:',
      '/services/api: must NOT have additional properties {"additionalProperty":"drop_caps"}',
    ],
    [
      'an unknown key at the top',
      '\nvolumes:\n  api-data',
      '\nvolume:\n  api-data',
      ': must NOT have additional properties {"additionalProperty":"volume"}',
    ],
    [
      'a value of the wrong type',
      "ports: ['127.0.0.1:8025:8025']",
      'ports: 8025',
      '/services/mail/ports: must be array',
    ],
    [
      'a condition that nothing meets',
      'azurite: { condition: service_healthy }',
      'azurite: { condition: healthy }',
      '/services/eventhubs/depends_on/azurite/condition: must be equal to one of the allowed values',
    ],
    [
      'an unknown key in a health check',
      'start_period: 15s',
      'grace_period: 15s',
      '/services/eventhubs-ready/healthcheck: must NOT have additional properties {"additionalProperty":"grace_period"}',
    ],
  ])('is refused with %s', (_what, from, to, expected) => {
    const text = read('docker-compose.yml');
    const broken = text.replace(from, to);
    expect(broken, 'the fault was planted').not.toBe(text);
    expect(faults(broken).filter((fault) => fault.startsWith(expected))).not.toEqual([]);
  });
});

describe('infra/Dockerfile by a linter', () => {
  const text = read('infra/Dockerfile');
  /** Warnings count too: each of the linter's is something that builds and does not what it says. */
  const faults = (of: string) => lintDockerfile(of).map(({ message }) => JSON.stringify(message));

  test('is without a fault', () => {
    expect(faults(text)).toEqual([]);
  });

  test.each([
    ['an unknown instruction', 'COPY adapters', 'CPY adapters', 'Unknown instruction: CPY'],
    ['an unknown flag', '--from=dependencies', '--form=dependencies', 'Unknown flag: form'],
    ['a stage without its name', 'AS dependencies', 'AS', 'FROM requires either one or three arguments'],
    ['a port that is none', 'EXPOSE 8080', 'EXPOSE http', 'Invalid containerPort: http'],
    ['a unit of time that is none', '--interval=10s', '--interval=10x', 'unknown unit x in duration 10x'],
    ['a variable without a value', 'HOST=0.0.0.0', 'HOST', 'find = in "HOST"'],
    ['a folder from nowhere', 'WORKDIR /app', 'WORKDIR app', 'WORKDIR paths should be absolute'],
    ['two commands', 'CMD ["node", "src', 'CMD ["node"]\nCMD ["node", "src', 'There can only be one CMD'],
    ['several files into one', './\n', 'all\n', 'the destination must be a directory'],
  ])('is refused with %s', (_what, from, to, expected) => {
    const broken = text.replace(from, to);
    expect(broken, 'the fault was planted').not.toBe(text);
    expect(faults(broken).join()).toContain(JSON.stringify(expected).slice(1, -1));
  });
});
