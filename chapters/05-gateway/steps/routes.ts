/**
 * Finding one of many routes: `npx tsx chapters/05-gateway/steps/routes.ts` for a list of regular expressions, and with
 * `tree` as an argument for your tree as well.
 */
import { RouteTree, parseRoutePath } from '../index.ts';

const SEARCHES = 2_000;
const ROUNDS = 15;

// #region list
interface Route {
  readonly method: string;
  readonly pattern: RegExp;
}

/** `/notes/:id` becomes `^/notes/([^/]+)$`. */
function compile(method: string, path: string): Route {
  return { method, pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '([^/]+)')}$`) };
}

function find(routes: readonly Route[], method: string, path: string): Route | undefined {
  return routes.find((route) => route.method === method && route.pattern.test(path));
}
// #endregion list

console.log('routes     list' + (process.argv[2] === 'tree' ? '      tree' : ''));
// The first ten are for the compiler, and are not shown.
for (const count of [-10, 10, 100, 1_000, 10_000]) {
  const paths = Array.from({ length: Math.abs(count) }, (_, i) => `/things${i}/:id`);
  const asked = Array.from({ length: SEARCHES }, (_, i) => `/things${(i * 7919) % Math.abs(count)}/42`);
  const list = paths.map((path) => compile('GET', path));
  const columns = [measure((path) => find(list, 'GET', path))];
  if (process.argv[2] === 'tree') {
    const tree = new RouteTree<string>();
    for (const path of paths) tree.add('GET', parseRoutePath(path, 64), path);
    columns.push(measure((path) => tree.find('GET', path)));
  }
  if (count > 0) console.log(`${String(count).padStart(6)} ${columns.map((us) => `${us.toFixed(2)} µs`.padStart(10)).join('')}`);

  /** The median round, in microseconds for each search. */
  function measure(search: (path: string) => unknown): number {
    const rounds = Array.from({ length: ROUNDS }, () => {
      const startMs = performance.now();
      for (const path of asked) if (search(path) === undefined) throw new Error(path);
      return (performance.now() - startMs) * 1_000 / SEARCHES;
    });
    return rounds.sort((a, b) => a - b)[Math.floor(rounds.length / 2)]!;
  }
}
