/** Shows what a server tells it: `npm run serve chapter-05 -- --solution --log none --app chapters/05-gateway/steps/environ.ts:app`. */
import type { GatewayApp } from '../gateway.ts';

// #region app
export const app: GatewayApp = (environ, startResponse) => {
  const lines = Object.entries(environ).map(([key, value]) => `${key.padEnd(22)} ${shown(value)}\n`);
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [Buffer.from(lines.join(''))];
};
// #endregion app

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return `(${value.constructor.name})`;
  return typeof value === 'function' ? '(function)' : JSON.stringify(value);
}
