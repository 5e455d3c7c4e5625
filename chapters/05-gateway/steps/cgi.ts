/** A script as an application: `npm run serve chapter-05 -- --log none --app chapters/05-gateway/steps/cgi.ts:app`. */
import { join } from 'node:path';
import { cgi } from '../index.ts';

export const app = cgi(join(import.meta.dirname, 'hello.sh'));
