/** Your server, from 2.8 on: `npx tsx chapters/02-http/steps/greet.ts 8006`. */
// #region server
import { HttpResponse, serveHttp } from '../index.ts';

const port = Number(process.argv[2] ?? 8006);
const server = await serveHttp((request) => HttpResponse.text(`Hello, ${request.path}\n`), { port });
console.log('listening on', server.origin);
// #endregion server
