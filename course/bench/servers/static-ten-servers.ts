/**
 * The server of chapter 03, with all its limits and checks on.
 *
 *     node static-ten-servers.ts FOLDER BYTES_OF_CACHE BYTES_OF_THE_LARGEST_FILE_IN_IT
 */

import { serveHttp } from '../../../solutions/02-http/index.ts';
import { staticFiles } from '../../../solutions/03-static/index.ts';
import { announce } from './routes.ts';

const [folder = '.', cacheBytesMax = '0', cacheFileBytesMax = '0'] = process.argv.slice(2);
const files = staticFiles(folder, { cacheBytesMax: Number(cacheBytesMax), cacheFileBytesMax: Number(cacheFileBytesMax) });
const server = await serveHttp(files, { timeouts: { idleMs: 600_000 } });
announce(Number(new URL(server.origin).port));
