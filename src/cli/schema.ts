/** `relay schema`: JSON Schema of relay.yaml, for editors. */
import { parseCommand, type Command } from './command.ts';

export const command: Command = {
  name: 'schema',
  summary: 'JSON Schema of relay.yaml on standard output, for editors',
  usage: `
Example:
  npm run --silent relay -- schema > relay.schema.json`,
  async run(args, io) {
    parseCommand(args, { options: { json: { type: 'boolean' } } });
    const [{ adapters }, { configJsonSchema }] = await Promise.all([
      import('#adapters/index.ts'),
      import('#src/config/schema-json.ts'),
    ]);
    io.out(`${JSON.stringify(configJsonSchema(adapters), null, 2)}\n`);
    return 0;
  },
};
