/** `npm run docs:reference`: writes `docs/reference/config.md`. */
import { writeFileSync } from 'node:fs';
import { adapters } from '#adapters/index.ts';
import { referencePage } from './page.ts';

writeFileSync(new URL('../../docs/reference/config.md', import.meta.url), referencePage(adapters));
console.log('docs/reference/config.md is written');
