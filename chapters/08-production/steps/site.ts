/** A site with a form and a large file, to be attacked: it reads what it is sent before it answers. */

const LARGE = 'a page of a long book\n'.repeat(500_000);

// #region app
/** A handler for fetch. */
export const app = async (request: Request): Promise<Response> => {
  const { pathname } = new URL(request.url);
  if (pathname === '/large') return new Response(LARGE);
  const text = await request.text();
  return new Response(`hello, ${pathname}, and thank you for ${text.length} characters\n`);
};
// #endregion app
